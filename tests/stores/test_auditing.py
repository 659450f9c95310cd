"""The audit trail, and secrets under another key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from stores.engines import ENGINES, AnyStore
from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.access.secrets import SecretBox, new_key
from tradefree.database.store import SqlStore
from tradefree.database.tables import connections
from tradefree.events.hooks.hook import Hook
from tradefree.events.schedules.schedule import Schedule
from tradefree.ids import new_id
from tradefree.limits.caps import Caps
from tradefree.limits.scopes import Scope as LimitScope
from tradefree.tasks.ports import Entry
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.clock import FrozenClock

BOT = Connection(name="bot", kind="dify", base_url="http://dify.test/v1", api_key="app-canary")
HOOK = Hook(name="git", preset="github", secrets=("a secret of theirs",))
on_disk = pytest.mark.parametrize("store", [name for name in ENGINES if name != "memory"], indirect=True)
"""The in-memory store encrypts nothing."""
NIGHT = Schedule.model_validate({"name": "night", "cron": "0 3 * * *", "event": {"type": "a"}})


def line(clock: FrozenClock, action: str) -> Entry:
    return Entry.new(clock.now(), "ann", action, "x", {"after": {"n": 1}})


async def actions(store: AnyStore) -> list[str]:
    return [entry.action for entry in reversed(await store.audit(limit=50))]


async def test_changes_are_written_down_with_the_change_and_once(store: AnyStore, clock: FrozenClock) -> None:
    for _ in range(2):
        await store.put_task_type(TaskType(name="t", runner="echo"), line(clock, "type"))
        await store.put_connection(BOT, line(clock, "connection"))
        await store.put_hook(HOOK, line(clock, "hook"))
        await store.put_schedule(NIGHT, clock.now(), line(clock, "schedule"))
        await store.put_baseline(LimitScope("queue", "q"), Caps(max_running=3), line(clock, "limit"))
    assert await actions(store) == ["type", "connection", "hook", "schedule", "limit"]
    await store.delete_task_type("t", line(clock, "no type"))
    await store.delete_connection("bot", line(clock, "no connection"))
    await store.delete_hook("git", line(clock, "no hook"))
    await store.delete_schedule("night", line(clock, "no schedule"))
    assert (await actions(store))[5:] == ["no type", "no connection", "no hook", "no schedule"]


async def test_a_key_is_written_down_when_it_is_made_and_revoked(store: AnyStore, clock: FrozenClock) -> None:
    key = ApiKey(new_id(), "shop", "tfk_abc", frozenset({Scope.TASKS_READ}), clock.now())
    await store.add_key(key, "0" * 64, line(clock, "made"))
    for _ in range(2):
        await store.revoke_key(key.id, clock.now(), line(clock, "revoked"))
    await store.revoke_key(new_id(), clock.now(), line(clock, "nobody"))
    assert await actions(store) == ["made", "revoked"]


async def test_a_line_comes_back_as_it_was_and_is_there_once(store: AnyStore, clock: FrozenClock) -> None:
    entry = line(clock, "done")
    for _ in range(2):
        await store.write_down(entry)
    assert await store.audit(limit=10) == [entry]
    assert await store.audit(limit=10, target="y") == []


async def test_the_trail_is_searched_by_who_and_what(store: AnyStore, clock: FrozenClock) -> None:
    for action in ("limit.pause", "limit.resume", "limits_x", "session.start"):
        await store.write_down(line(clock, action))

    async def found(**wanted: Any) -> list[str]:
        return [entry.action for entry in await store.audit(limit=10, **wanted)]

    assert await found(action="limit.*") == ["limit.resume", "limit.pause"]
    assert await found(action="limit.pause") == ["limit.pause"]
    assert await found(action="limit_*") == []
    assert len(await found(action="*", actor="ann")) == 4
    assert await found(actor="bob") == []


async def test_the_trail_of_a_period_of_one_person(store: AnyStore, clock: FrozenClock) -> None:
    """Between two moments, which are outside; in pages, whichever way is the shortest."""
    moments = []
    for action in ("limit.pause", "limit.resume", "type.put", "limit.pause", "limit.change"):
        moments.append(clock.now())
        for who in ("ann", "bob"):
            await store.write_down(Entry.new(clock.now(), who, action, "x"))
        clock.advance(1)

    async def found(**wanted: Any) -> list[str]:
        seen: list[Entry] = []
        while page := await store.audit(limit=1, before_id=seen[-1].id if seen else None, **wanted):
            seen += page
        assert seen == await store.audit(limit=50, **wanted)
        return [entry.action for entry in seen]

    assert await found(actor="ann", after=moments[0], before=moments[4]) == ["limit.pause", "type.put", "limit.resume"]
    assert await found(actor="bob", action="limit.*", after=moments[0]) == [
        "limit.change",
        "limit.pause",
        "limit.resume",
    ]
    assert await found(action="limit.pause", before=moments[3], target="x", actor="ann") == ["limit.pause"]
    assert await found(after=moments[4]) == await found(before=moments[0]) == []
    tick = timedelta(microseconds=1)
    assert len(await found(after=moments[2] - tick, before=moments[2] + tick)) == 2


@on_disk
async def test_secrets_go_under_the_first_key(store: AnyStore, clock: FrozenClock) -> None:
    assert isinstance(store, SqlStore)
    await store.put_connection(BOT)
    await store.put_hook(HOOK)
    old, new = store._box, new_key()
    assert isinstance(old, SecretBox)
    both = SecretBox(new)
    both._fernet = type(old._fernet)([both._first, *old._fernet._fernets])
    store._box = both
    clock.advance(1)
    done = await store.reseal(line(clock, "rotated"))
    assert (done.renewed, done.current, done.unreadable) == (2, 0, [])
    store._box = SecretBox(new)
    assert await store.connections(strict=True) == {"bot": BOT}
    assert await store.hooks(strict=True) == {"git": HOOK}
    again = await store.reseal(line(clock, "again"))
    assert (again.renewed, again.current) == (0, 2)
    assert await actions(store) == ["rotated", "again"]


@on_disk
async def test_what_somebody_saves_meanwhile_is_theirs(store: AnyStore, clock: FrozenClock) -> None:
    assert isinstance(store, SqlStore)
    await store.put_connection(BOT)
    await store._put_resealed(connections.c.sealed_api_key, "bot", "what was there before", "overwritten")
    query = sa.select(connections.c.sealed_api_key)
    assert await store.database.read(lambda connection: connection.scalar(query)) != "overwritten"
