"""A whole system behind a Sentinel: the master dies, and service and worker go on without a restart."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from broker.running import Running, ended, says
from broker.sentinels import MASTER, Guarded, guarded
from tradefree.testing.servers import Redis
from waiting import wait_for

pytestmark = pytest.mark.timeout(600)


def listeners(system: Guarded, redis: Redis) -> tuple[int, int]:
    """How many wait for rings, and how many channels are subscribed to."""
    with system.client(redis) as looking:
        return sum(one["cmd"] == "brpop" for one in looking.client_list()), len(looking.pubsub_channels("*.signals.*"))


def rings(system: Guarded, redis: Redis) -> int:
    """How many rings there were, ever."""
    with system.client(redis) as looking:
        stats: dict[str, Any] = looking.info("commandstats")
    return int(stats.get("cmdstat_lpush", {"calls": 0})["calls"])


def test_a_fail_over_needs_no_restart(tmp_path: Path) -> None:
    with guarded(password="s3cr#t") as redis:
        url = redis.url(":s3cr%23t@")
        with Running(tmp_path, url, broker_master=MASTER) as system:
            system.prepare()
            service, worker = system.service(), system.worker()
            system.define("quick")
            assert system.ready()["status"] == "ready"
            wait_for(lambda: listeners(redis, redis.master) == (1, 2), "worker and service to listen", worker)
            system.wait(system.submit("quick"))
            wait_for(lambda: rings(redis, redis.master), "the ring to be at the master", service)

            wait_for(redis.knows_replica, "the Sentinel to know the replica")
            redis.master.kill()
            wait_for(redis.promoted, "the replica to be the master")
            wait_for(lambda: listeners(redis, redis.replica) == (1, 2), "them to listen there", service, worker)
            before = rings(redis, redis.replica)

            def rung() -> bool:  # a ring may be lost while the Sentinel still names no master; the next one is not
                system.wait(system.submit("quick"))
                return rings(redis, redis.replica) > before

            wait_for(rung, "a ring to be at the new master", service)
            wait_for(lambda: system.ready()["status"] == "ready", "all to be well again", service)

            worker.send(signal.SIGTERM)
            service.send(signal.SIGTERM)
            assert (ended(worker), ended(service)) == (0, 0)
            for node in (service, worker):
                assert not says(node, "Traceback")
                assert not says(node, "s3cr")
