"""The Redis user that docs/distributed.md describes may do what we do, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from redis.exceptions import NoPermissionError

from broker.talk import a_process, client, heard, keys, settings, signals, until
from docs.pages import DOCS
from tradefree.bootstrap import make_celery, make_store
from tradefree.broker.doorbell import CeleryDoorbell
from tradefree.broker.redis_client import knock, refuse_unfit
from tradefree.clock import SystemClock
from tradefree.database.migrate import upgrade
from tradefree.tasks.ports import DISPATCH
from tradefree.testing.servers import Redis
from tradefree.worker.embedded import EmbeddedWorker
from tradefree.worker.main import prepare


@pytest.fixture
def limited(redis: Redis) -> str:
    """The URL of ``redis`` for a user with just those rights."""
    (command,) = re.findall(r"^ACL SETUSER tradefree .*$", (DOCS / "distributed.md").read_text(), re.MULTILINE)
    with client(redis.url) as operator:
        operator.execute_command(*command.split())
    return redis.url.replace("//", "//tradefree:PASSWORD@")


async def test_the_documented_rights_are_enough_and_few(redis: Redis, limited: str, tmp_path: Path) -> None:
    chosen = settings(limited, database_url=f"sqlite+aiosqlite:///{tmp_path}/tradefree.db")
    store = make_store(chosen, SystemClock())
    await upgrade(store.database)
    await store.close()
    await refuse_unfit(chosen)
    assert await knock(chosen) is None
    async with a_process(limited) as one, a_process(limited) as other, other.subscribe(DISPATCH) as messages:
        one.publish(DISPATCH, {"lanes": []})
        assert await heard(messages) == {"lanes": []}

    celery = make_celery(chosen)
    prepare(celery, chosen, signals(limited))
    bell = CeleryDoorbell(celery)
    async with EmbeddedWorker(celery) as worker:
        await bell.ring(worker.address, ["id-1"])
        await until(bell._jobs.empty, "the ring is on its way")
        await until(lambda: keys(redis.url) == set(), "the ring is heard")
    await bell.ring("worker.w2@host", ["id-1"])
    await until(lambda: keys(redis.url) == {"tradefree:worker.w2@host"}, "the ring is there")
    bell.forget("worker.w2@host")
    await until(lambda: keys(redis.url) == set(), "the dead is forgotten")
    bell.close()

    with client(limited) as ours:
        for forbidden in (("FLUSHALL",), ("LPUSH", "another:list", "x"), ("CONFIG", "GET", "*"), ("MONITOR",)):
            with pytest.raises(NoPermissionError):
                ours.execute_command(*forbidden)
