"""A whole system whose Redis is not there at the start, comes, goes and comes again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.running import Running, ended, says, wait_for
from broker.talk import channels, client
from tradefree.testing.servers import Redis

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def away() -> Iterator[Redis]:
    """A Redis that nobody has started yet."""
    server = Redis()
    yield server
    server.stop()


def rings_are_waited_for(broker: Redis) -> bool:
    with client(broker.url) as looking:
        return any(one["cmd"] == "brpop" for one in looking.client_list())


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

        for _ in range(2):
            away.start()
            wait_for(lambda: rings_are_waited_for(away), "the worker to wait for rings", worker)
            wait_for(lambda: len(channels(away.url)) == 2, "service and worker to listen", service, worker)
            assert system.ready()["status"] == "ready"
            system.wait(system.submit("quick"))
            away.kill()
            wait_for(lambda: system.ready()["status"] == "degraded", "the service to see that it is gone", service)
            system.wait(system.submit("quick"))

        worker.send(signal.SIGTERM)
        service.send(signal.SIGTERM)
        assert (ended(worker), ended(service)) == (0, 0)
        assert says(worker, "the broker is away") == 3  # once for each outage
        assert says(worker, "rings are heard again") == 2
        for node in (service, worker):
            assert says(node, "signals are not heard") == 3
            assert says(node, "signals are heard again") == 2
            assert not says(node, "Traceback")
            assert not says(node, "Cannot connect")
