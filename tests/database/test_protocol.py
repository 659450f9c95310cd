"""Processes of versions that may not work together: the database says so, and whoever speaks another protocol stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from database.servers import empty_database
from private_servers import DATABASES
from stores.acts import LEASE, TTL, Acts
from tradefree.access.secrets import SecretBox, new_key
from tradefree.clock import SystemClock
from tradefree.database.migrate import current, downgrade, require_current, upgrade
from tradefree.database.protocol import PROTOCOL, raise_protocol
from tradefree.database.store import SqlStore
from tradefree.database.tables import leaders, workers
from tradefree.errors import Outdated, SettingsError
from tradefree.testing.clock import FrozenClock


@pytest.fixture(params=("sqlite", *DATABASES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    sqlite = request.param == "sqlite"
    url = sa.make_url(f"sqlite+aiosqlite:///{tmp_path}/x.db") if sqlite else await empty_database(request.param)
    store = SqlStore(url, SystemClock(), SecretBox(new_key()))
    await upgrade(store.database)
    await require_current(store.database)
    yield store
    await store.close()


@pytest.fixture
def acts(store: SqlStore) -> Acts:
    return Acts(store, FrozenClock())


async def speak(store: SqlStore, protocol: int) -> None:
    await store.database.write(lambda c: c.execute(sa.update(leaders).values(protocol=protocol)))


async def test_migrations_say_what_this_version_speaks(store: SqlStore) -> None:
    assert await store.database.read(lambda c: c.scalar(sa.select(leaders.c.protocol))) == PROTOCOL


@pytest.mark.parametrize(("other", "words"), [(PROTOCOL + 1, "upgrade tradefree"), (PROTOCOL - 1, "tradefree migrate")])
async def test_the_start_is_refused(store: SqlStore, other: int, words: str) -> None:
    await speak(store, other)
    with pytest.raises(Outdated, match=f"speaks protocol {other}, .*{words}"):
        await require_current(store.database)


async def test_a_worker_of_another_protocol_neither_enlists_nor_keeps_its_lease(store: SqlStore, acts: Acts) -> None:
    await acts.enlist("w1")
    await store.beat("w1", LEASE)
    before = await store.all_workers()
    await speak(store, PROTOCOL + 1)
    with pytest.raises(Outdated):
        await store.beat("w1", 100 * LEASE)
    with pytest.raises(Outdated):
        await acts.enlist("w2")
    assert await store.all_workers() == before


async def test_a_dispatcher_of_another_protocol_neither_leads_nor_admits(store: SqlStore, acts: Acts) -> None:
    await acts.enlist()
    task = await acts.submitted()
    epoch = await store.lead("old", TTL)
    assert epoch is not None
    await speak(store, PROTOCOL + 1)
    with pytest.raises(Outdated):
        async with store.round("old", epoch, TTL) as round_:
            await round_.admit([(task.id, "w1")])
    for holder in ("old", "other"):
        with pytest.raises(Outdated):
            await store.lead(holder, TTL)
    assert (await acts.see(task)).worker_id is None


async def migrated(store: SqlStore) -> None:
    """As a migration does that raises the protocol."""
    await store.database.migrate(lambda c: c.run_sync(lambda sync: raise_protocol(sync, PROTOCOL + 1)))


async def ran_out(store: SqlStore) -> None:
    past = await store.database.read(store.database.now) - timedelta(seconds=1)
    for table in (workers, leaders):
        await store.database.write(lambda c, t=table: c.execute(sa.update(t).values(lease_until=past)))  # type: ignore[misc]


async def test_the_protocol_is_raised_only_while_nobody_works(store: SqlStore, acts: Acts) -> None:
    await acts.enlist("w1")
    await acts.enlist("w2")
    with pytest.raises(SettingsError, match="at work on it: 2 workers; stop all services and workers"):
        await migrated(store)
    await store.leave("w1")
    await store.lead("host:1:abc", TTL)
    with pytest.raises(SettingsError, match="at work on it: 1 worker, the task service host:1:abc;"):
        await migrated(store)
    await require_current(store.database)
    await ran_out(store)
    await migrated(store)
    with pytest.raises(Outdated):
        await require_current(store.database)


async def test_no_step_back_while_somebody_works(store: SqlStore, acts: Acts) -> None:
    await acts.enlist("w1")
    with pytest.raises(SettingsError, match="at work on it: 1 worker;"):
        await downgrade(store.database, "0002")
    await require_current(store.database)
    await store.leave("w1")
    await downgrade(store.database, "0002")
    assert await current(store.database) == "0002"
    await downgrade(store.database, "base")
    assert await current(store.database) is None
