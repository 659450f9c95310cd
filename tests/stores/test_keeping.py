"""API keys."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from stores.engines import AnyStore
from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.ids import digest, new_id
from tradefree.testing.clock import FrozenClock


def a_key(now: datetime, **values: object) -> ApiKey:
    fields: dict[str, object] = {
        "id": new_id(),
        "name": "ann's laptop",
        "hint": "tfk_abc123",
        "scopes": frozenset({Scope.TASKS_READ}),
        "created_at": now,
    }
    return ApiKey(**(fields | values))  # type: ignore[arg-type]


async def test_a_key_comes_back_as_it_was(store: AnyStore, clock: FrozenClock) -> None:
    now = clock.now()
    full = a_key(
        now,
        name="安的钥匙 🔑",
        scopes=frozenset(Scope),
        task_types=("a", "b"),
        own_only=True,
        expires_at=now + timedelta(days=1),
    )
    plain, nothing = a_key(now), a_key(now, task_types=(), scopes=frozenset())
    for number, key in enumerate((full, plain, nothing)):
        await store.add_key(key, digest(str(number)))
    assert [await store.key_by_hash(digest(str(n))) for n in range(3)] == [full, plain, nothing]


async def test_an_unknown_hash(store: AnyStore, clock: FrozenClock) -> None:
    await store.add_key(a_key(clock.now()), digest("secret"))
    assert await store.key_by_hash(digest("other")) is None
    assert await store.key_by_hash(digest("secret").upper()) is None
    assert await store.key_by_hash("") is None


async def test_all_keys_oldest_first(store: AnyStore, clock: FrozenClock) -> None:
    assert await store.keys() == []
    keys = [a_key(clock.now(), name=name) for name in ("c", "a", "b")]
    for key in keys:
        await store.add_key(key, digest(key.id))
    await store.revoke_key(keys[1].id, clock.now())
    assert [key.name for key in await store.keys()] == ["c", "a", "b"]


async def test_revoking(store: AnyStore, clock: FrozenClock) -> None:
    key, other = a_key(clock.now()), a_key(clock.now())
    await store.add_key(key, digest("1"))
    await store.add_key(other, digest("2"))
    at = clock.now()
    revoked = await store.revoke_key(key.id, at)
    assert revoked is not None
    assert revoked.revoked_at == at
    clock.advance(60)
    again = await store.revoke_key(key.id, clock.now())
    assert again == revoked, "the first time counts"
    assert await store.key_by_hash(digest("1")) == revoked
    assert await store.key_by_hash(digest("2")) == other
    assert await store.revoke_key(new_id(), clock.now()) is None


async def test_touching(store: AnyStore, clock: FrozenClock) -> None:
    key, other = a_key(clock.now()), a_key(clock.now())
    await store.add_key(key, digest("1"))
    await store.add_key(other, digest("2"))
    clock.advance(1.000001)
    await store.touch_key(key.id, clock.now())
    await store.touch_key(new_id(), clock.now())
    found = await store.key_by_hash(digest("1"))
    assert found is not None
    assert found.last_used_at == clock.now()
    assert await store.key_by_hash(digest("2")) == other


async def test_a_secret_belongs_to_one_key(store: AnyStore, clock: FrozenClock) -> None:
    await store.add_key(a_key(clock.now()), digest("1"))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate|already"):
        await store.add_key(a_key(clock.now()), digest("1"))
    assert len(await store.keys()) == 1
