"""The listening half of the signals against a Redis that answers exactly when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.talk import until
from tradefree.broker import redis_ears
from tradefree.broker.redis_ears import Ears


class ScriptedRedis:
    """Client, pool and connection in one. What it answers is put into ``answers``."""

    def __init__(self) -> None:
        self.connection_pool = self
        self.is_connected = False
        self.asked: list[tuple[str, ...]] = []
        self.answers: asyncio.Queue[object] = asyncio.Queue()
        self.made = 0

    def make_connection(self) -> ScriptedRedis:
        self.made += 1
        return self

    async def connect(self) -> None:
        self.is_connected = True

    async def disconnect(self, *, nowait: bool) -> None:
        self.is_connected = False

    async def send_command(self, *command: str, check_health: bool) -> None:
        self.asked.append(command)

    async def read_response(self, *, timeout: float, disconnect_on_error: bool) -> object:
        try:
            async with asyncio.timeout(timeout):
                return await self.answers.get()
        except TimeoutError:
            return None

    def confirm(self, name: str) -> None:
        self.answers.put_nowait([b"subscribe", name.encode(), 1])


class World:
    """Ears, and what they have told."""

    def __init__(self) -> None:
        self.redis = ScriptedRedis()
        self.opened = 0
        self.heard: list[bytes] = []
        self.ears = Ears(self.heard.append, self._open)

    def _open(self) -> None:
        self.opened += 1


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    listening = asyncio.create_task(world.ears.listen(cast(Redis, world.redis)))
    yield world
    listening.cancel()
    await asyncio.wait({listening})


async def turns() -> None:
    """Let everybody come to rest."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_all_is_heard_only_when_redis_has_confirmed_every_channel(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_ears, "HEARD_WITHIN", 30.0)
    entered: list[str] = []

    async def listen(name: str) -> None:
        async with world.ears.open_for({name}):
            entered.append(name)
            await asyncio.Event().wait()

    listeners = [asyncio.create_task(listen("a"))]
    await until(lambda: world.redis.asked == [("PING",)], "it pings")
    world.redis.answers.put_nowait(b"PONG")
    await until(lambda: ("SUBSCRIBE", "a") in world.redis.asked, "it subscribes")
    listeners.append(asyncio.create_task(listen("b")))  # comes while the connection is being made
    await turns()
    world.redis.confirm("a")
    await until(lambda: ("SUBSCRIBE", "b") in world.redis.asked, "it subscribes to that, too")
    await turns()
    assert (entered, world.opened) == (["a"], 0)
    world.redis.confirm("b")
    await until(lambda: entered == ["a", "b"], "both are entered")
    assert world.opened == 1
    for listener in listeners:
        listener.cancel()
    await asyncio.wait(listeners)


async def test_messages_are_heard_while_confirmations_are_awaited(world: World) -> None:
    async with world.ears.open_for({"a"}):
        world.redis.answers.put_nowait(b"PONG")
        world.redis.answers.put_nowait([b"message", b"a", b"content"])
        await until(lambda: world.heard == [b"content"], "it is heard")
        assert world.opened == 0


async def test_a_connection_closed_behind_our_back_is_not_opened_again_without_a_word(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py connects by itself when it is asked to read or send, and knows no subscriptions then."""
    monkeypatch.setattr(redis_ears, "PING_EVERY", 0.05)
    monkeypatch.setattr(redis_ears, "RECONNECT_EVERY", 0.01)
    world.redis.answers.put_nowait(b"PONG")
    await until(lambda: world.opened == 1, "it is open")
    world.redis.is_connected = False
    world.redis.answers.put_nowait(b"PONG")
    world.redis.answers.put_nowait(b"PONG")
    await until(lambda: world.opened == 2, "it is open again")
    assert world.redis.made == 2
