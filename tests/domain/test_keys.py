"""API keys."""

from __future__ import annotations

import pytest

from tradefree.access.keys import CACHE_SECONDS, PREFIX, TOUCH_SECONDS, Keys, new_secret, well_formed
from tradefree.access.scopes import Scope
from tradefree.errors import Forbidden, NotFound, StorageUnavailable, Unauthorized
from tradefree.ids import digest, new_id
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

READ = frozenset({Scope.TASKS_READ})


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock: FrozenClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def keys(store: MemoryStore, clock: FrozenClock) -> Keys:
    return Keys(store, clock)


def test_secrets_are_well_formed_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(well_formed(secret) and secret.startswith(PREFIX) and len(secret) == 53 for secret in secrets)


def test_every_slip_of_the_pen_is_noticed() -> None:
    secret = new_secret()
    for place in range(len(secret)):
        other = "A" if secret[place] != "A" else "B"
        assert not well_formed(secret[:place] + other + secret[place + 1 :])
        assert not well_formed(secret[:place] + secret[place + 1 :])


@pytest.mark.parametrize("secret", ["", PREFIX, "x" * 53, PREFIX + "ä" * 49, PREFIX + "\x00" * 49, "\ud800" * 53])
def test_other_text_is_not_well_formed(secret: str) -> None:
    assert not well_formed(secret)


async def test_a_key_is_known_again(keys: Keys, store: MemoryStore) -> None:
    key, secret = await keys.create("ann", READ, task_types=("a",), own_only=True)
    found = await keys.authenticate(secret)
    assert (found.id, found.name, found.task_types, found.own_only) == (key.id, "ann", ("a",), True)
    assert key.hint == secret[:10]


async def test_the_secret_itself_is_not_stored(keys: Keys, store: MemoryStore) -> None:
    _, secret = await keys.create("ann", READ)
    stored = repr(store._tables.api_keys)
    assert secret not in stored
    assert secret[len(PREFIX) + 6 :] not in stored
    assert digest(secret) in stored


@pytest.mark.parametrize("secret", ["", "nope", "Bearer x", PREFIX + "A" * 49])
async def test_a_mangled_key(keys: Keys, store: MemoryStore, secret: str) -> None:
    store.away = True
    with pytest.raises(Unauthorized, match="well-formed"):
        await keys.authenticate(secret)


async def test_an_unknown_key(keys: Keys) -> None:
    with pytest.raises(Unauthorized, match="unknown"):
        await keys.authenticate(new_secret())


async def test_a_key_expires_at_its_moment(keys: Keys, clock: FrozenClock) -> None:
    _, secret = await keys.create("ann", READ, expires_in=60.0)
    clock.advance(59.9)
    await keys.authenticate(secret)
    clock.advance(0.1)
    with pytest.raises(Unauthorized, match="expired"):
        await keys.authenticate(secret)


async def test_a_revoked_key_is_refused_at_once_here(keys: Keys) -> None:
    key, secret = await keys.create("ann", READ)
    await keys.authenticate(secret)
    revoked = await keys.revoke(key.id)
    assert revoked.revoked_at is not None
    with pytest.raises(Unauthorized, match="revoked"):
        await keys.authenticate(secret)
    assert (await keys.revoke(key.id)).revoked_at == revoked.revoked_at


async def test_a_key_revoked_elsewhere_lives_on_for_seconds(keys: Keys, store: MemoryStore, clock: FrozenClock) -> None:
    key, secret = await keys.create("ann", READ)
    await keys.authenticate(secret)
    await Keys(store, clock).revoke(key.id)
    clock.advance(CACHE_SECONDS - 0.1)
    await keys.authenticate(secret)
    clock.advance(0.1)
    with pytest.raises(Unauthorized, match="revoked"):
        await keys.authenticate(secret)


async def test_a_known_key_survives_a_short_absence_of_the_database(
    keys: Keys, store: MemoryStore, clock: FrozenClock
) -> None:
    _, secret = await keys.create("ann", READ)
    await keys.authenticate(secret)
    store.away = True
    await keys.authenticate(secret)
    clock.advance(CACHE_SECONDS)
    with pytest.raises(StorageUnavailable):
        await keys.authenticate(secret)


async def test_use_is_noted_now_and_then(keys: Keys, store: MemoryStore, clock: FrozenClock) -> None:
    key, secret = await keys.create("ann", READ)
    clock.advance(1)
    first = clock.now()
    await keys.authenticate(secret)
    clock.advance(TOUCH_SECONDS - 1)
    await keys.authenticate(secret)
    assert (await keys.list())[0].last_used_at == first
    clock.advance(1)
    await keys.authenticate(secret)
    assert (await keys.list())[0].last_used_at == clock.now()
    assert (await keys.list())[0].id == key.id


async def test_revoking_nobody(keys: Keys) -> None:
    with pytest.raises(NotFound):
        await keys.revoke(new_id())


async def test_scopes(keys: Keys) -> None:
    reader, _ = await keys.create("reader", READ)
    admin, _ = await keys.create("admin", frozenset({Scope.ADMIN}))
    nobody, _ = await keys.create("nobody", frozenset())
    reader.require(Scope.TASKS_READ)
    with pytest.raises(Forbidden, match="tasks:write"):
        reader.require(Scope.TASKS_WRITE)
    with pytest.raises(Forbidden):
        reader.require(Scope.ADMIN)
    for scope in Scope:
        admin.require(scope)
        assert not nobody.allows(scope)
