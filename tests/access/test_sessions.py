"""Sessions: whose they are, and when they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tradefree.access.keys import ApiKey, Keys, new_secret
from tradefree.access.scopes import Scope
from tradefree.access.sessions import IDLE, LONGEST, TOUCH, Role, Sessions
from tradefree.errors import RateLimited, Unauthorized
from tradefree.ids import digest
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

HOME = "203.0.113.7"


class Door:
    """Sessions over an empty store, with one key."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.store = MemoryStore(self.clock)
        self.keys = Keys(self.store, self.clock)
        self.sessions = Sessions(self.store, self.keys, self.clock)

    async def key(self, *scopes: Scope, expires_in: float | None = None) -> tuple[ApiKey, str]:
        return await self.keys.create("ann", frozenset(scopes or {Scope.TASKS_READ}), expires_in=expires_in)

    async def signed_in(self) -> str:
        _, secret = await self.key()
        return (await self.sessions.start(secret, HOME))[1]


@pytest.fixture
def door() -> Door:
    return Door()


async def test_a_session_has_the_rights_of_its_key_and_only_a_hash_is_stored(door: Door) -> None:
    key, secret = await door.key(Scope.TASKS_WRITE)
    session, token = await door.sessions.start(secret, HOME)
    assert (await door.sessions.authenticate(token)).key.id == session.key.id == key.id
    assert session.token_hash == digest(token)
    assert await door.store.session(token) is None
    other = (await door.sessions.start(secret, HOME))[1]
    assert other != token
    assert len(token) >= 43, "256 bits"


async def test_one_that_nobody_uses_ends(door: Door) -> None:
    token = await door.signed_in()
    for _ in range(3):
        door.clock.advance((IDLE - timedelta(seconds=1)).total_seconds())
        await door.sessions.authenticate(token)
    door.clock.advance(IDLE.total_seconds())
    with pytest.raises(Unauthorized, match="age"):
        await door.sessions.authenticate(token)
    with pytest.raises(Unauthorized, match="sign in again"):
        await door.sessions.authenticate(token)


async def test_one_that_is_used_all_the_time_ends_too(door: Door) -> None:
    token = await door.signed_in()
    step = timedelta(hours=6)
    for _ in range(LONGEST // step - 1):
        door.clock.advance(step.total_seconds())
        await door.sessions.authenticate(token)
    door.clock.advance(step.total_seconds())
    with pytest.raises(Unauthorized, match="age"):
        await door.sessions.authenticate(token)


async def test_it_is_written_seldom_that_it_was_used(door: Door) -> None:
    token = await door.signed_in()
    began = door.clock.now()
    door.clock.advance(TOUCH.total_seconds() - 1)
    assert (await door.sessions.authenticate(token)).seen_at == began
    assert (await door.sessions.authenticate(token)).seen_at == began
    door.clock.advance(1)
    await door.sessions.authenticate(token)
    assert (await door.sessions.authenticate(token)).seen_at == door.clock.now()


async def test_it_ends_with_its_key(door: Door) -> None:
    key, secret = await door.key()
    _, token = await door.sessions.start(secret, HOME)
    await door.keys.revoke(key.id)
    with pytest.raises(Unauthorized, match="revoked"):
        await door.sessions.authenticate(token)
    _, short = await door.key(expires_in=60)
    session, token = await door.sessions.start(short, HOME)
    assert session.ends_at == door.clock.now() + timedelta(seconds=60)
    door.clock.advance(60)
    with pytest.raises(Unauthorized, match="expired"):
        await door.sessions.authenticate(token)


async def test_signing_out_here_and_everywhere(door: Door) -> None:
    _, secret = await door.key()
    tokens = [(await door.sessions.start(secret, HOME))[1] for _ in range(3)]
    stranger = await door.signed_in()
    await door.sessions.end(await door.sessions.authenticate(tokens[0]))
    with pytest.raises(Unauthorized):
        await door.sessions.authenticate(tokens[0])
    await door.sessions.end(await door.sessions.authenticate(tokens[1]), everywhere=True)
    for token in tokens[1:]:
        with pytest.raises(Unauthorized):
            await door.sessions.authenticate(token)
    await door.sessions.authenticate(stranger)


async def test_wrong_keys_are_limited_by_address(door: Door) -> None:
    _, secret = await door.key()
    for _ in range(10):
        with pytest.raises(Unauthorized):
            await door.sessions.start(new_secret(), HOME)
    for key in (new_secret(), secret):
        with pytest.raises(RateLimited, match="too many wrong keys from this address; wait 6 s"):
            await door.sessions.start(key, HOME)
    await door.sessions.start(secret, "203.0.113.8")
    door.clock.advance(6)
    await door.sessions.start(secret, HOME)


async def test_right_keys_are_not_counted_and_a_network_of_ipv6_is_one(door: Door) -> None:
    _, secret = await door.key()
    for _ in range(20):
        await door.sessions.start(secret, HOME)
    for number in range(10):
        with pytest.raises(Unauthorized):
            await door.sessions.start("nonsense", f"2001:db8::{number}")
    with pytest.raises(RateLimited):
        await door.sessions.start(secret, "2001:db8:0:0:ffff::1")
    await door.sessions.start(secret, "2001:db8:0:1::1")


async def test_who_signs_in_is_written_down(door: Door) -> None:
    key, secret = await door.key()
    session, _ = await door.sessions.start(secret, HOME)
    await door.sessions.end(session, everywhere=True)
    last, first, made = await door.store.audit(limit=10)
    assert (made.action, first.action, last.action) == ("key.create", "session.start", "session.end_everywhere")
    assert first.target == f"key:{key.id}"
    assert first.detail == {"key": key.id, "address": HOME}


@pytest.mark.parametrize(
    ("scopes", "role"),
    [
        ({Scope.ADMIN}, Role.ADMIN),
        ({Scope.TASKS_READ, Scope.TASKS_WRITE}, Role.OPERATOR),
        ({Scope.TASKS_READ, Scope.DEFINITIONS_WRITE}, Role.VIEWER),
    ],
)
async def test_roles_follow_from_scopes(door: Door, scopes: set[Scope], role: Role) -> None:
    key, _ = await door.key(*scopes)
    assert Role.of(key) is role
