"""What comes to a hook: what it becomes, what is kept, and what is counted."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from tradefree.broker.signals import LocalSignals
from tradefree.errors import BacklogFull, BadSignature, InvalidInput, NotFound
from tradefree.events.hooks import book as keeping
from tradefree.events.hooks.book import HookBook, MessageCounter
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import Received
from tradefree.events.hooks.reception import Reception
from tradefree.events.hooks.signature import Message
from tradefree.events.intake import Intake
from tradefree.events.ports import EventFilter, Taken
from tradefree.events.rules import Rules
from tradefree.events.trigger import Trigger
from tradefree.ids import new_id
from tradefree.service.strict_json import loads
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import Entry
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

SECRET = "a secret of theirs"


class World:
    """A service with one hook."""

    def __init__(self) -> None:
        self.clock = FrozenClock(datetime(2026, 1, 1, 8, tzinfo=UTC))
        self.store = MemoryStore(self.clock)
        self.counter = MessageCounter(self.store, self.clock)
        self.hooks = HookBook(self.store, self.clock)
        catalog = Catalog(self.store, self.clock)
        intake = Intake(self.store, Rules(self.store, self.store, self.clock), catalog, LocalSignals(), self.clock)
        self.reception = Reception(self.hooks, self.counter, intake, self.clock)

    async def define(self, **values: Any) -> None:
        await self.store.put_hook(
            Hook.model_validate({"name": "code", "preset": "github", "secrets": [SECRET], **values})
        )
        self.hooks.forget()

    async def send(self, body: bytes, *, secret: str = SECRET, name: str = "code", delivery: str = "d-1") -> Taken:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "x-hub-signature-256": f"sha256={signature}",
            "x-github-event": "push",
            "x-github-delivery": delivery,
        }
        return await self.reception.take(name, Message(body, headers), loads)

    async def counted(self) -> dict[Received, int]:
        await self.counter.write()
        return {
            received: tally.number for received, tally in (await self.store.message_counts()).get("code", {}).items()
        }


async def world(**values: Any) -> World:
    made = World()
    await made.define(**values)
    return made


async def test_a_good_message_becomes_an_event() -> None:
    here = await world()

    taken = await here.send(b'{"ref": "main"}')

    assert not taken.replayed
    assert (taken.event.type, taken.event.event_id, taken.event.data) == ("com.github.push", "d-1", {"ref": "main"})
    assert taken.event.received_by == "hook:code"
    assert await here.counted() == {Received.ACCEPTED: 1}


async def test_a_repeated_message_is_answered_with_the_first_event() -> None:
    here = await world()
    first = await here.send(b'{"ref": "main"}')

    again = await here.send(b'{"ref": "main"}')

    assert again.replayed
    assert again.event.id == first.event.id
    assert len(await here.store.events(EventFilter(), limit=9)) == 1
    assert await here.counted() == {Received.ACCEPTED: 1, Received.REPEATED: 1}


async def test_of_what_is_not_good_nothing_is_kept_but_a_number() -> None:
    here = await world(event={"type": {"cel": "body.kind"}})

    with pytest.raises(BadSignature):
        await here.send(b"{}", secret="another of theirs")
    with pytest.raises(InvalidInput, match="not JSON"):
        await here.send(b"payload=%7B%7D")
    with pytest.raises(InvalidInput, match="there is no 'kind'"):
        await here.send(b"{}")
    with pytest.raises(InvalidInput, match="control character"):
        await here.send(orjson.dumps({"kind": "a\nb"}))

    assert await here.counted() == {Received.BAD_SIGNATURE: 1, Received.NOT_JSON: 1, Received.UNMAPPED: 2}
    assert await here.store.events(EventFilter(), limit=9) == []


async def test_a_message_that_is_not_signed_is_not_read_at_all() -> None:
    here = await world()

    with pytest.raises(BadSignature):
        await here.send(b"not json", secret="another of theirs")


async def test_a_full_backlog_is_said_and_the_message_may_come_again() -> None:
    here = await world()
    await here.store.put_task_type(TaskType(name="echo", runner="echo", max_pending=1))
    trigger = Trigger(name="rule", event="com.github.push", task_type="echo")
    await here.store.put_trigger(trigger, Entry(new_id(), here.clock.now(), "ann", "t", "t"))
    here.clock.advance(2)
    await here.send(b"{}", delivery="d-1")

    with pytest.raises(BacklogFull):
        await here.send(b"{}", delivery="d-2")

    assert await here.counted() == {Received.ACCEPTED: 1, Received.REFUSED: 1}
    assert len(await here.store.events(EventFilter(), limit=9)) == 1


async def test_no_such_hook_or_one_that_is_switched_off() -> None:
    here = await world(enabled=False)

    for name in ("code", "nobody"):
        with pytest.raises(NotFound):
            await here.send(b"{}", name=name)
    assert await here.counted() == {}


async def test_a_new_hook_is_known_at_once_and_a_changed_secret_within_a_second() -> None:
    here = World()
    await here.store.put_hook(Hook(name="code", preset="github", secrets=(SECRET,)))
    await here.send(b"{}", delivery="d-1")
    await here.store.put_hook(Hook(name="other", preset="github", secrets=(SECRET,)))
    here.clock.advance(2 * keeping.NEWS_AGE)
    await here.send(b"{}", name="other", delivery="d-2")

    await here.store.put_hook(Hook(name="code", preset="github", secrets=("another of theirs",)))
    here.clock.advance(keeping.MAX_AGE)

    with pytest.raises(BadSignature):
        await here.send(b"{}", delivery="d-3")
    await here.send(b"{}", delivery="d-3", secret="another of theirs")


async def test_while_the_database_is_away_known_hooks_still_check() -> None:
    here = await world()
    await here.send(b"{}")
    here.clock.advance(60)
    here.store.away = True

    with pytest.raises(BadSignature):
        await here.send(b"{}", secret="another of theirs")
    await here.counter.write()
