"""Sessions of the console."""

from __future__ import annotations

from datetime import timedelta

from stores.engines import AnyStore
from stores.test_keeping import a_key
from tradefree.access.keys import ApiKey
from tradefree.access.sessions import LONGEST, Session
from tradefree.ids import digest, new_id
from tradefree.tasks.ports import Entry
from tradefree.testing.clock import FrozenClock


async def a_key_stored(store: AnyStore, clock: FrozenClock) -> ApiKey:
    key = a_key(clock.now(), task_types=("a",), expires_at=clock.now() + timedelta(days=30))
    await store.add_key(key, digest(key.id))
    return key


async def begin(store: AnyStore, clock: FrozenClock, key: ApiKey, token: str) -> Session:
    session = Session(digest(token), key, clock.now(), clock.now())
    await store.add_session(session, line(clock, token))
    return session


def line(clock: FrozenClock, target: str) -> Entry:
    return Entry(new_id(), clock.now(), "ann", "session.start", target)


async def test_a_session_comes_back_with_its_key_as_it_is_now(store: AnyStore, clock: FrozenClock) -> None:
    key = await a_key_stored(store, clock)
    session = await begin(store, clock, key, "a")
    assert await store.session(digest("a")) == session
    assert await store.session("a") is None
    clock.advance(1.000001)
    revoked = await store.revoke_key(key.id, clock.now())
    found = await store.session(digest("a"))
    assert found is not None
    assert found.key == revoked


async def test_a_repeat_is_harmless_and_the_trail_has_it_once(store: AnyStore, clock: FrozenClock) -> None:
    key = await a_key_stored(store, clock)
    entry = line(clock, "x")
    session = Session(digest("a"), key, clock.now(), clock.now())
    await store.add_session(session, entry)
    await store.add_session(session, entry)
    assert [entry.target for entry in await store.audit(limit=5)] == ["x"]


async def test_touching_and_ending(store: AnyStore, clock: FrozenClock) -> None:
    key = await a_key_stored(store, clock)
    first = await begin(store, clock, key, "a")
    second = await begin(store, clock, key, "b")
    clock.advance(60.5)
    await store.touch_session(first.token_hash, clock.now())
    await store.touch_session(digest("nobody"), clock.now())
    found = await store.session(first.token_hash)
    assert found is not None
    assert (found.seen_at, found.started_at) == (clock.now(), first.started_at)
    assert await store.session(second.token_hash) == second
    await store.end_session(first.token_hash)
    await store.end_session(first.token_hash)
    assert await store.session(first.token_hash) is None
    assert await store.session(second.token_hash) == second


async def test_all_of_a_key_end_at_once(store: AnyStore, clock: FrozenClock) -> None:
    mine, theirs = await a_key_stored(store, clock), await a_key_stored(store, clock)
    for token in ("a", "b"):
        await begin(store, clock, mine, token)
    other = await begin(store, clock, theirs, "c")
    await store.end_sessions(mine.id, line(clock, "all"))
    assert [await store.session(digest(token)) for token in "abc"] == [None, None, other]
    assert (await store.audit(limit=1))[0].target == "all"


async def test_old_ones_go_when_somebody_comes(store: AnyStore, clock: FrozenClock) -> None:
    key = await a_key_stored(store, clock)
    old = await begin(store, clock, key, "old")
    clock.advance(LONGEST.total_seconds())
    young = await begin(store, clock, key, "young")
    assert await store.session(old.token_hash) == old
    clock.advance(1)
    await begin(store, clock, key, "new")
    assert await store.session(old.token_hash) is None
    assert await store.session(young.token_hash) == young
