"""Signals over a Redis that dies, hangs or is lost on the way: nobody waits for it, and all is made up for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis as Client

from broker.talk import a_process, client, heard, signals, until, until_missed
from faults.chaos.proxy import Proxy
from tradefree.broker import redis_client, redis_ears, redis_speaker
from tradefree.broker.redis_speaker import BACKLOG_BYTES, Speaker
from tradefree.tasks.ports import DISPATCH, WORKERS
from tradefree.testing.servers import Redis

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a second, so that these tests take seconds."""
    monkeypatch.setattr(redis_client, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(redis_client, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(redis_ears, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(redis_ears, "PING_EVERY", 0.2)
    monkeypatch.setattr(redis_ears, "DEAF_AFTER", 1.0)
    monkeypatch.setattr(redis_ears, "RECONNECT_EVERY", 0.1)
    monkeypatch.setattr(redis_speaker, "RECONNECT_EVERY", 0.1)


@pytest.fixture
async def proxy(redis: Redis) -> AsyncIterator[Proxy]:
    """Before ``redis``."""
    async with Proxy(redis.port) as proxy:
        yield proxy


def through(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


class Log:
    """What was logged so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def lines(self, words: str) -> int:
        """How many lines say this."""
        self._text += self._capsys.readouterr().out
        return sum(words in line for line in self._text.splitlines())


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(capsys)


async def test_a_redis_that_was_killed_and_wiped_is_heard_again(redis: Redis) -> None:
    async with a_process(redis.url) as one, a_process(redis.url) as other, other.subscribe("task:1") as messages:
        for n in range(2):
            async with other.subscribe(DISPATCH) as dispatch, other.subscribe(WORKERS) as workers:
                redis.kill()
                one.publish("task:1", {"lost": n})
                redis.start()
                await asyncio.gather(until_missed(dispatch), until_missed(workers))
            async with one.subscribe(DISPATCH) as spoken:  # the other one has noticed, too
                other.publish(DISPATCH, {"n": n})
                assert await heard(spoken) == {"n": n}
            one.publish("task:1", {"n": n})
            assert await heard(messages) == {"n": n}


async def test_a_connection_that_is_cut_is_made_up_for(redis: Redis) -> None:
    async with a_process(redis.url) as one, a_process(redis.url) as other, other.subscribe(DISPATCH) as messages:
        await until_missed(messages)  # that it is open
        with client(redis.url) as operator:
            operator.client_kill_filter(_type="pubsub")
        await until_missed(messages)
        one.publish(DISPATCH, {"n": 1})
        assert await heard(messages) == {"n": 1}


async def test_a_connection_that_redis_closed_meanwhile_costs_no_message(redis: Redis) -> None:
    """Redis closes connections that are idle for long, if it is set so."""
    async with a_process(redis.url) as one, a_process(redis.url) as other, other.subscribe("task:1") as messages:
        for n in range(3):
            one.publish("task:1", {"n": n})
            assert await heard(messages) == {"n": n}
            with client(redis.url) as operator:
                operator.client_kill_filter(_type="normal", skipme=True)


async def test_without_redis_a_process_hears_itself_and_comes_alive_when_redis_does(redis: Redis) -> None:
    redis.kill()
    async with a_process(redis.url) as one, a_process(redis.url) as other, other.subscribe(DISPATCH) as messages:
        other.publish(DISPATCH, {"n": 1})
        assert await heard(messages) == {"n": 1}
        redis.start()
        await until_missed(messages)
        await until(lambda: one._ears._connection is not None, "the other process hears, too")
        one.publish(DISPATCH, {"n": 2})
        assert await heard(messages) == {"n": 2}


async def test_who_begins_to_listen_while_redis_is_away_is_heard_of_later(redis: Redis) -> None:
    async with a_process(redis.url) as one, one.subscribe(DISPATCH) as dispatch:
        redis.kill()
        async with a_process(redis.url) as other, one.subscribe("task:1") as messages:
            redis.start()
            await until_missed(dispatch)
            await until_missed(dispatch)
            other.publish("task:1", {"n": 1})
            assert await heard(messages) == {"n": 1}


@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_publishing_needs_no_redis_and_memory_is_bounded(redis: Redis, fault: str) -> None:
    async with a_process(redis.url) as one, one.subscribe("task:1") as messages:
        if fault == "killed":
            redis.kill()
        else:
            redis.freeze()
        big = {"text": "x" * 100_000}
        for _ in range(3 * BACKLOG_BYTES // 100_000):
            one.publish("task:2", big)
            assert one._speaker.backlog <= BACKLOG_BYTES
        assert one._speaker.backlog > BACKLOG_BYTES // 2
        one.publish("task:1", {"n": 1})
        assert await heard(messages) == {"n": 1}


async def test_a_frozen_redis_is_noticed_and_made_up_for(redis: Redis, log: Log) -> None:
    async with a_process(redis.url) as one, a_process(redis.url) as other, other.subscribe(DISPATCH) as messages:
        await until_missed(messages)
        redis.freeze()
        one.publish(DISPATCH, {"lost": 1})
        await until(lambda: log.lines("not sent") == 1, "one cannot speak")
        await until(lambda: log.lines("not heard") == 2, "both are deaf")
        redis.thaw()
        await until_missed(messages)
        await until(lambda: one._ears._connection is not None, "the other process hears, too")
        one.publish(DISPATCH, {"n": 2})
        while (found := await heard(messages)) != {"n": 2}:
            assert found == {"lost": 1}  # Redis had it in its buffer


async def test_a_half_open_connection_is_noticed_and_made_up_for(redis: Redis, proxy: Proxy) -> None:
    async with (
        a_process(redis.url) as one,
        a_process(through(proxy)) as other,
        other.subscribe(DISPATCH, "task:1") as messages,
    ):
        await until_missed(messages)
        assert proxy.forget() == 1
        await until_missed(messages)
        one.publish("task:1", {"n": 1})
        assert await heard(messages) == {"n": 1}


async def test_when_one_can_speak_again_the_others_hear_that_something_was_missed(redis: Redis, proxy: Proxy) -> None:
    async with (
        a_process(through(proxy)) as one,
        a_process(redis.url) as other,
        other.subscribe(DISPATCH, WORKERS) as messages,
    ):
        for _ in range(2):  # that its own connection is open: one for each topic
            await until_missed(messages)
        await proxy.refuse()
        one.publish(DISPATCH, {"lost": 1})
        await until(lambda: not one._speaker._well, "one finds that it cannot speak")
        await proxy.accept()
        one.publish("task:1", {"n": 2})
        for _ in range(2):
            await until_missed(messages)


async def test_a_network_that_stands_still_holds_up_nobody(redis: Redis, proxy: Proxy) -> None:
    async with a_process(redis.url) as one, a_process(through(proxy)) as other, other.subscribe(DISPATCH) as messages:
        await until_missed(messages)
        proxy.stall()
        other.publish(DISPATCH, {"n": 1})
        assert await heard(messages) == {"n": 1}
        async with other.subscribe("task:1"):  # is entered though Redis never confirms it
            pass
        await until(lambda: other._ears._connection is None, "the silence is noticed")
        proxy.resume()
        await until_missed(messages)
        one.publish(DISPATCH, {"n": 2})
        assert await heard(messages) == {"n": 2}


@pytest.mark.parametrize("fault", ["killed", "frozen", "frozen from the start"])
async def test_a_process_can_end_without_redis(redis: Redis, fault: str) -> None:
    if fault == "frozen from the start":
        redis.freeze()
    one = signals(redis.url)
    before = asyncio.all_tasks()
    async with asyncio.timeout(30):
        async with one.running(), one.subscribe(DISPATCH):
            if fault == "killed":
                redis.kill()
            elif fault == "frozen":
                redis.freeze()
            for n in range(1000):
                one.publish(DISPATCH, {"n": n, "padding": "x" * 10_000})
    assert asyncio.all_tasks() == before


async def test_the_log_hears_of_an_outage_once(redis: Redis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0
    empty = Speaker._empty

    async def counted(self: Speaker, connection: Client) -> None:
        nonlocal tries
        tries += 1
        await empty(self, connection)

    monkeypatch.setattr(Speaker, "_empty", counted)
    async with a_process(redis.url) as one, one.subscribe(DISPATCH) as messages:
        await until_missed(messages)
        redis.kill()
        while tries < 10:
            one.publish(DISPATCH, {"n": 1})
            await asyncio.sleep(0.02)
        assert (log.lines("warning"), log.lines("not heard"), log.lines("not sent")) == (2, 1, 1)
        redis.start()
        await until_missed(messages)
        one.publish(DISPATCH, {"n": 2})
        await until(lambda: log.lines("sent again") == 1, "it speaks again")
        assert (log.lines("warning"), log.lines("heard again")) == (2, 1)
