"""What is left in Redis of workers that came and went: nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.talk import channels, connections, keys, settings, signals, until
from tradefree.bootstrap import make_celery, make_store
from tradefree.broker.doorbell import CeleryDoorbell
from tradefree.clock import SystemClock
from tradefree.database.migrate import upgrade
from tradefree.settings import Settings
from tradefree.testing.servers import Redis
from tradefree.worker.embedded import EmbeddedWorker
from tradefree.worker.main import prepare

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def url(redis: Redis) -> str:
    """A Redis in which nobody else's connections are counted."""
    return redis.url


@pytest.fixture
async def chosen(url: str, tmp_path: Path) -> AsyncIterator[Settings]:
    chosen = settings(url, database_url=f"sqlite+aiosqlite:///{tmp_path}/tradefree.db")
    store = make_store(chosen, SystemClock())
    await upgrade(store.database)
    yield chosen
    await store.close()


async def test_nothing_is_left_of_fifty_workers_that_left(url: str, chosen: Settings) -> None:
    bell = CeleryDoorbell(make_celery(chosen))
    for n in range(50):
        celery = make_celery(chosen)
        prepare(celery, chosen, signals(url))
        worker = EmbeddedWorker(celery)
        async with worker:
            await bell.ring(worker.address, [f"id-{n}"] * (1 + 200 * (n % 2)))
            await until(bell._jobs.empty, "the rings are on their way")
        assert not worker.failed
    bell.close()
    assert connections(url) <= 4  # those of kombu's pool, which the process keeps
    assert (keys(url), channels(url)) == (set(), set())


async def test_nothing_is_left_of_fifty_workers_that_died(url: str, chosen: Settings) -> None:
    bell = CeleryDoorbell(make_celery(chosen))
    for n in range(50):
        await bell.ring(f"worker.w{n}@host", [f"id-{n}"])
    await until(lambda: len(keys(url)) == 50, "nobody has heard the rings")
    for n in range(50):
        bell.forget(f"worker.w{n}@host")
    await until(lambda: keys(url) == set(), "the dead are forgotten")
    bell.close()
