"""A ring is heard by the worker it is meant for: not by its neighbour, and not only by the next beat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import pytest

from broker.talk import settings, until
from private_servers import redis_url
from tradefree.broker.celery_app import make_celery
from tradefree.broker.doorbell import CeleryDoorbell
from tradefree.worker.bootstep import install
from tradefree.worker.consumer import CalmConsumer
from tradefree.worker.embedded import EmbeddedWorker
from tradefree.worker.runtime import Runtime


class Hearing:
    """A runtime that only listens."""

    def __init__(self, heard: dict[str, list[str]], address: str) -> None:
        self._heard = heard.setdefault(address, [])

    async def start(self) -> None:
        """There is nobody to enlist with."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def drain(self, patience: Callable[[], float]) -> None:
        """There is nothing to end."""

    def hear(self, ids: Sequence[str]) -> None:
        self._heard += ids


@pytest.fixture(params=["memory", "redis"])
def broker(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else redis_url()


async def test_a_worker_hears_its_own_rings_in_order_and_no_others(broker: str) -> None:
    heard: dict[str, list[str]] = {}

    @contextlib.asynccontextmanager
    async def factory(name: str, address: str) -> AsyncIterator[Runtime]:
        yield cast(Runtime, Hearing(heard, address))

    celery = make_celery(settings(broker))
    celery.conf.worker_consumer = CalmConsumer
    install(celery, factory, patience=lambda: 0.0)
    ids = [f"id-{n}" for n in range(250)]
    async with EmbeddedWorker(celery) as worker:
        bell = CeleryDoorbell(make_celery(settings(broker)))
        await bell.ring("worker.another@host", ["not yours"])
        await bell.ring(worker.address, ids[:150])
        await bell.ring(worker.address, ids[150:])
        await until(lambda: heard[worker.address] == ids, "all rings are heard")
    assert heard == {worker.address: ids}
    bell.forget("worker.another@host")
    bell.close()
