"""Definitions kept at hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tradefree.errors import InvalidInput, StorageUnavailable
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.catalog import MAX_AGE, Catalog
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock: FrozenClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
async def catalog(store: MemoryStore, clock: FrozenClock) -> Catalog:
    await store.put_task_type(TaskType(name="a", runner="echo"))
    await store.put_connection(Connection(name="c", base_url="http://localhost", api_key="k"))
    return Catalog(store, clock)


def own(types: Mapping[str, TaskType]) -> list[str]:
    """What was defined: the built-in types left out."""
    return [name for name in types if name != CALLBACK]


async def test_definitions(catalog: Catalog) -> None:
    assert (await catalog.task_type("a")).runner == "echo"
    connection = await catalog.connection("c")
    assert connection is not None
    assert connection.api_key == "k"
    assert await catalog.connection("d") is None
    with pytest.raises(InvalidInput, match="known: a"):
        await catalog.task_type("b")


async def test_they_are_believed_for_a_moment(catalog: Catalog, store: MemoryStore, clock: FrozenClock) -> None:
    await catalog.types()
    await store.put_task_type(TaskType(name="b", runner="echo"))
    clock.advance(MAX_AGE - 0.1)
    assert own(await catalog.types()) == ["a"]
    clock.advance(0.1)
    assert own(await catalog.types()) == ["a", "b"]


async def test_a_newer_version_is_read_at_once_and_an_old_one_never(catalog: Catalog, store: MemoryStore) -> None:
    await catalog.types()
    await store.put_task_type(TaskType(name="b", runner="echo"))
    version, _ = await store.task_types()
    assert own(await catalog.types(version=version - 1)) == ["a"]
    assert own(await catalog.types(version=version)) == ["a", "b"]


async def test_what_was_changed_here_is_read_at_once(catalog: Catalog, store: MemoryStore) -> None:
    await catalog.types()
    await store.put_task_type(TaskType(name="b", runner="echo"))
    catalog.forget()
    assert own(await catalog.types()) == ["a", "b"]


async def test_while_the_database_is_away_they_are_believed_on(
    catalog: Catalog, store: MemoryStore, clock: FrozenClock
) -> None:
    await catalog.types()
    store.away = True
    clock.advance(3600)
    assert own(await catalog.types()) == ["a"]
    store.away = False
    await store.put_task_type(TaskType(name="b", runner="echo"))
    assert own(await catalog.types()) == ["a", "b"], "it is asked again, not believed for another while"


async def test_without_ever_having_read_them_there_is_nothing_to_believe(catalog: Catalog, store: MemoryStore) -> None:
    store.away = True
    with pytest.raises(StorageUnavailable):
        await catalog.types()


async def test_a_type_that_another_service_has_just_defined_is_known(
    catalog: Catalog, store: MemoryStore, clock: FrozenClock
) -> None:
    await catalog.types()
    await store.put_task_type(TaskType(name="b", runner="echo"))
    clock.advance(MAX_AGE / 2)
    assert (await catalog.task_type("b")).name == "b"
