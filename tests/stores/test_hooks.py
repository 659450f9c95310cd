"""Hooks: definitions with secrets, and what was counted of their messages."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.engines import ENGINES, AnyStore
from tradefree.access.secrets import SecretBox, new_key
from tradefree.database.source_tables import hooks
from tradefree.database.store import SqlStore
from tradefree.errors import NotFound, SettingsError
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import Received, Tally
from tradefree.testing.clock import FrozenClock

FULL = Hook.model_validate(
    {
        "name": "warehouse",
        "description": "仓库 📦",
        "preset": "hmac",
        "secrets": ["first of théirs", "second of theirs"],
        "signature": {
            "header": "X-Sign",
            "prefix": "v0=",
            "algorithm": "sha512",
            "encoding": "base64",
            "time_header": "X-At",
            "content": "v0:{time}:{body}",
        },
        "id_header": "X-Id",
        "tolerance": "10m",
        "event": {
            "type": {"cel": "'com.example.' + body.kind"},
            "source": "urn:warehouse",
            "id": {"cel": "body.n"},
            "subject": "shelf",
            "time": {"cel": "body.at"},
            "data": {"cel": "body.item"},
        },
        "enabled": False,
    }
)
CODE = Hook(name="code", preset="github", secrets=("a secret of theirs",))


async def test_a_hook_comes_back_as_it_was(store: AnyStore) -> None:
    assert await store.put_hook(FULL)
    assert await store.put_hook(CODE)

    assert await store.hooks() == {"code": CODE, "warehouse": FULL}


async def test_only_changes_raise_the_version(store: AnyStore) -> None:
    version = await store.config_version()
    assert await store.put_hook(CODE)
    second = await store.config_version()
    assert not await store.put_hook(CODE.model_copy())
    third = await store.config_version()
    assert await store.put_hook(CODE.model_copy(update={"secrets": ("another of theirs",)}))

    assert version < second == third < await store.config_version()
    assert (await store.hooks())["code"].secrets == ("another of theirs",)


async def test_a_deleted_hook_is_gone_with_its_numbers(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_hook(CODE)
    await store.count_messages({("code", Received.ACCEPTED): Tally(1, clock.now())})

    await store.delete_hook("code")

    assert await store.hooks() == {}
    assert await store.message_counts() == {}
    for name in ("code", "code ", "Code", "çode"):
        with pytest.raises(NotFound):
            await store.delete_hook(name)


async def test_numbers_add_up_and_the_last_moment_stays(store: AnyStore, clock: FrozenClock) -> None:
    earlier, later = clock.now(), clock.now() + timedelta(seconds=5)
    await store.count_messages(
        {("code", Received.BAD_SIGNATURE): Tally(3, earlier), ("code", Received.ACCEPTED): Tally(1, earlier)}
    )
    await store.count_messages({("code", Received.BAD_SIGNATURE): Tally(40, later)})

    assert await store.message_counts() == {
        "code": {Received.BAD_SIGNATURE: Tally(43, later), Received.ACCEPTED: Tally(1, earlier)}
    }


async def test_several_services_count_at_once(store: AnyStore, clock: FrozenClock) -> None:
    names = [("a", Received.ACCEPTED), ("b", Received.REPEATED), ("c", Received.NOT_JSON)]

    async def count(turn: int) -> None:
        order = names if turn % 2 else names[::-1]
        await store.count_messages({name: Tally(1, clock.now()) for name in order})

    await asyncio.gather(*map(count, range(20)))

    counts = await store.message_counts()
    assert {name: counts[name][received].number for name, received in names} == dict.fromkeys("abc", 20)


async def test_secrets_are_sealed_and_need_the_key(clock: FrozenClock) -> None:
    async with ENGINES["sqlite"](clock) as store:
        assert isinstance(store, SqlStore)
        await store.put_hook(FULL)
        [row] = await store.database.read(_rows)
        assert "of théirs" not in row
        assert "of theirs" not in row

        stranger = SqlStore(store.database.url, clock, SecretBox(new_key()))
        try:
            assert await stranger.hooks() == {}
            with pytest.raises(SettingsError, match="TRADEFREE_SECRET_KEY"):
                await stranger.hooks(strict=True)
            assert await stranger.put_hook(FULL), "one that cannot be read any more is replaced"
            assert await stranger.hooks() == {FULL.name: FULL}
        finally:
            await stranger.close()


async def _rows(connection: AsyncConnection) -> list[str]:
    return [str(row) for row in await connection.execute(sa.select(hooks))]
