"""A whole system whose Redis is not there at the start, comes, goes and comes again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from broker.running import Running, ended, says
from broker.talk import channels, client
from faults.chaos.proxy import Proxy
from tradefree.testing.processes import free_port
from tradefree.testing.servers import Redis
from waiting import wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def away() -> Iterator[Redis]:
    """A Redis that nobody has started yet."""
    server = Redis()
    yield server
    server.stop()


def rings_are_waited_for(broker: Redis, after: int = 0) -> int:
    """The id of the newest connection on which a worker waits, if it is newer than that; 0 if there is none."""
    with client(broker.url) as looking:
        waiting = (int(one["id"]) for one in looking.client_list() if one["cmd"] == "brpop")
        return max((one for one in waiting if one > after), default=0)


def test_a_system_starts_without_redis_works_by_the_beat_and_comes_alive(tmp_path: Path, away: Redis) -> None:
    with Running(tmp_path, away.url) as system:
        system.prepare()
        service = system.service()
        worker = system.worker()
        system.define("quick")
        assert system.ready()["status"] == "degraded"
        assert "Redis does not answer" in system.ready()["parts"]["broker"]
        assert system.ready()["parts"]["database"] == "ok"
        system.wait(system.submit("quick"))
        for node in (service, worker):
            wait_for(lambda node=node: says(node, "signals are not sent"), "an attempt to speak", node)  # type: ignore[misc]

        for n in (1, 2):
            away.start()
            wait_for(lambda: rings_are_waited_for(away), "the worker to wait for rings", worker)
            wait_for(lambda: len(channels(away.url)) == 2, "service and worker to listen", service, worker)
            assert system.ready()["status"] == "ready"
            system.wait(system.submit("quick"))
            wait_for(lambda n=n: says(worker, "rings are heard again") == n, "the worker to be sure", worker)  # type: ignore[misc]
            away.kill()
            wait_for(lambda: system.ready()["status"] == "degraded", "the service to see that it is gone", service)
            system.wait(system.submit("quick"))

        worker.send(signal.SIGTERM)
        service.send(signal.SIGTERM)
        assert (ended(worker), ended(service)) == (0, 0)
        assert says(worker, "the broker is away") == 3  # once for each outage
        for node in (service, worker):
            assert says(node, "signals are not heard") == 3
            assert says(node, "signals are heard again") == 2
            assert not says(node, "Traceback")
            assert not says(node, "Cannot connect")


def test_a_redis_that_refuses_to_be_read_ends_no_worker(tmp_path: Path) -> None:
    """As after a fail-over behind one address: who is still connected is connected to a replica."""
    with Redis() as redis, client(redis.url) as operator, Running(tmp_path, redis.url) as system:
        system.prepare()
        system.service()
        worker = system.worker()
        system.define("quick")
        refusals: list[Callable[[], object]] = [
            lambda: operator.replicaof("127.0.0.1", free_port()),
            lambda: operator.acl_setuser("default", enabled=True, commands=["-brpop"]),
        ]
        for n, refuse in enumerate(refusals, start=1):
            wait_for(lambda: rings_are_waited_for(redis), "the worker to wait for rings", worker)
            refuse()
            wait_for(lambda n=n: says(worker, "the broker is away") == n, "the worker to see it", worker)  # type: ignore[misc]
            tries = connections_made(operator)
            system.wait(system.submit("quick"))
            wait_for(lambda tries=tries: connections_made(operator) > tries + 10, "it to try on", worker)  # type: ignore[misc]
            operator.replicaof("NO", "ONE")
            operator.acl_setuser("default", enabled=True, commands=["+@all"])
            wait_for(lambda n=n: says(worker, "rings are heard again") == n, "the worker to be sure", worker)  # type: ignore[misc]
            system.wait(system.submit("quick"))
        assert says(worker, "the broker is away") == len(refusals)  # in spite of all the tries
        assert not says(worker, "Traceback")


def connections_made(operator: Client) -> int:
    """How many connections there ever were."""
    return int(operator.info("stats")["total_connections_received"])


async def test_a_half_open_connection_of_a_worker_is_noticed(tmp_path: Path) -> None:
    with Redis() as redis:
        async with Proxy(redis.port) as proxy:
            await asyncio.to_thread(_lose_connections, tmp_path, redis, proxy, asyncio.get_running_loop())


def _lose_connections(folder: Path, redis: Redis, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
    with Running(folder, f"redis://127.0.0.1:{proxy.port}/0") as system:
        system.prepare()
        service, worker = system.service(), system.worker()
        system.define("quick")
        old = wait_for(lambda: rings_are_waited_for(redis), "the worker to wait for rings", worker)
        system.wait(system.submit("quick"))
        loop.call_soon_threadsafe(proxy.forget)
        system.wait(system.submit("quick"))
        wait_for(lambda: rings_are_waited_for(redis, old), "the worker to wait on another connection", worker)
        for node in (service, worker):
            wait_for(lambda node=node: says(node, "signals are heard again"), "it to listen again", node)  # type: ignore[misc]
            assert not says(node, "Traceback")
