"""Task types and connections."""

from __future__ import annotations

import asyncio

import pytest

from stores.acts import Acts
from stores.engines import ENGINES, AnyStore
from tradefree.access.secrets import SecretBox, new_key
from tradefree.database.store import SqlStore
from tradefree.errors import Conflict, NotFound, SettingsError
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.transitions import cancel
from tradefree.tasks.types import Concurrency, Connection, TaskType
from tradefree.testing.clock import FrozenClock

FULL = TaskType(
    name="summarize-order",
    description="订单摘要 📦",
    runner="dify.workflow",
    connection="support-bot",
    queue="slow",
    input_schema={"type": "object", "required": ["order"], "properties": {"order": {"type": "string"}}},
    timeout=12.5,
    max_deferral=60.0,
    retry=RetryPolicy(max_attempts=2, backoff="fixed", initial=0.5, maximum=9.0, factor=1.5),
    concurrency=Concurrency(max_running=20, max_running_per_key=2),
    options={"nested": {"z": [1, None, "x"], "a": 0}},
)
BOT = Connection(name="support-bot", base_url="https://dify.example/v1", api_key="app-SECRET", options={"tls": True})


async def test_a_task_type_comes_back_as_it_was(store: AnyStore) -> None:
    assert await store.put_task_type(FULL)
    _, types = await store.task_types()
    assert types == {FULL.name: FULL}


async def test_versions_rise_only_with_changes(store: AnyStore) -> None:
    version, types = await store.task_types()
    assert types == {}
    assert await store.put_task_type(FULL)
    second, _ = await store.task_types()
    assert not await store.put_task_type(FULL)
    assert not await store.put_task_type(TaskType.model_validate(FULL.model_dump()))
    third, _ = await store.task_types()
    assert version < second == third
    assert await store.put_task_type(FULL.model_copy(update={"queue": "default"}))
    fourth, types = await store.task_types()
    assert fourth > third
    assert types[FULL.name].queue == "default"


async def test_connections_raise_the_version_too(store: AnyStore) -> None:
    version, _ = await store.task_types()
    assert await store.put_connection(BOT)
    second, _ = await store.task_types()
    assert not await store.put_connection(BOT)
    third, _ = await store.task_types()
    await store.delete_connection(BOT.name)
    fourth, _ = await store.task_types()
    assert version < second == third < fourth


async def test_a_connection_comes_back_with_its_secret(store: AnyStore) -> None:
    await store.put_connection(BOT)
    assert await store.connections() == {BOT.name: BOT}
    assert await store.connections(strict=True) == {BOT.name: BOT}
    changed = Connection.model_validate(BOT.model_dump() | {"api_key": "app-OTHER"})
    assert await store.put_connection(changed)
    assert (await store.connections())[BOT.name].api_key == "app-OTHER"


async def test_a_secret_of_another_key_takes_only_its_connection_away(clock: FrozenClock) -> None:
    other = Connection(name="other-bot", base_url="https://other.example/v1", api_key="app-OTHER")
    async with ENGINES["sqlite"](clock) as store:
        assert isinstance(store, SqlStore)
        await store.put_connection(BOT)
        rekeyed = SqlStore(store.database.url, clock, SecretBox(new_key()))
        try:
            assert await rekeyed.connections() == {}
            await rekeyed.put_connection(other)
            assert await rekeyed.connections() == {other.name: other}
            with pytest.raises(SettingsError, match="cannot be decrypted"):
                await rekeyed.connections(strict=True)
            assert await store.connections() == {BOT.name: BOT}
            assert await rekeyed.put_connection(BOT), "what cannot be read is replaced"
            assert await rekeyed.connections(strict=True) == {BOT.name: BOT, other.name: other}
        finally:
            await rekeyed.close()


async def test_delete_a_task_type(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await store.put_task_type(TaskType(name="a", runner="echo"))
    await store.put_task_type(TaskType(name="a-b", runner="echo"))
    like_named = await acts.submitted("a-b")
    await acts.completed("a")
    live = await acts.submitted("a", concurrency_key="k")
    with pytest.raises(Conflict):
        await store.delete_task_type("a")
    await store.decide([live.id], lambda t: cancel(t, clock.now()))
    version, _ = await store.task_types()
    await store.delete_task_type("a")
    after, types = await store.task_types()
    assert list(types) == ["a-b"]
    assert after > version
    assert await store.task(like_named.id)


async def test_deleting_what_is_not_there(store: AnyStore) -> None:
    version, _ = await store.task_types()
    with pytest.raises(NotFound):
        await store.delete_task_type("a")
    with pytest.raises(NotFound):
        await store.delete_connection("a")
    assert (await store.task_types())[0] == version


async def test_a_connection_in_use_is_kept(store: AnyStore) -> None:
    await store.put_connection(BOT)
    await store.put_task_type(FULL)
    with pytest.raises(Conflict, match=FULL.name):
        await store.delete_connection(BOT.name)
    await store.delete_task_type(FULL.name)
    await store.delete_connection(BOT.name)
    assert await store.connections() == {}


async def test_many_change_definitions_at_the_same_time(store: AnyStore) -> None:
    version, _ = await store.task_types()
    await asyncio.gather(*(store.put_task_type(TaskType(name=f"t{n}", runner="echo")) for n in range(20)))
    after, types = await store.task_types()
    assert len(types) == 20
    assert after >= version + 20


async def test_definitions_are_not_shared_with_the_caller(store: AnyStore) -> None:
    options = {"a": [1]}
    await store.put_task_type(TaskType(name="a", runner="echo", options=options))
    options["a"].append(2)
    _, types = await store.task_types()
    types["a"].options["a"].append(3)
    _, types = await store.task_types()
    assert types["a"].options == {"a": [1]}
