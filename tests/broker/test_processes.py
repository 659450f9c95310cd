"""Real processes on a real Redis: both ways of starting a worker, and how they end."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from broker.running import Running, ended, says
from broker.talk import channels, client, keys
from tradefree.testing.servers import Redis
from waiting import wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def broker() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture(scope="module")
def system(broker: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service, no workers; what a test starts it must end."""
    system = Running(tmp_path_factory.mktemp("system"), broker.url, log_level="debug")
    with system:
        system.prepare()
        system.service()
        system.define("quick")
        system.define("quick-heavy", queue="heavy")
        system.define("slow", options={"delay": "4s"})
        system.define("endless", options={"delay": "10m"}, timeout="1h")
        yield system


def test_both_ways_of_starting_a_worker(system: Running, broker: Redis) -> None:
    system.worker(9)
    for _ in range(2):
        system.celery_worker("-Q", "heavy", "-c", "7", "-n", "boss@%h", "-l", "info")
    live = {worker["id"]: worker for worker in system.listed() if worker["status"] == "live"}
    assert sorted((w["queues"][0], w["capacity"]) for w in live.values()) == [
        ("default", 9),
        ("heavy", 7),
        ("heavy", 7),
    ]
    bosses = [worker["name"] for worker in live.values() if worker["queues"] == ["heavy"]]
    assert all(name.startswith("boss-") for name in bosses)
    assert len(set(bosses)) == 2
    heavy = [system.submit("quick-heavy", {"n": n}) for n in range(40)]
    assert {system.worker_of(system.wait(task))["name"] for task in heavy} == set(bosses)
    assert system.worker_of(system.wait(system.submit("quick")))["queues"] == ["default"]

    with client(broker.url) as looking:
        waiting = [one for one in looking.client_list() if one["cmd"] == "brpop"]
    assert len(waiting) == 3  # each at a queue of its own, without a key or a binding
    wait_for(lambda: keys(broker.url) == set(), "all rings to be heard")
    for worker in system.workers:
        wait_for(lambda worker=worker: says(worker, '"rung"'), "the worker to hear a ring", worker)  # type: ignore[misc]
    assert {name.rpartition(".")[2] for name in channels(broker.url)} == {"dispatch", "workers"}

    for worker in system.workers:
        worker.send(signal.SIGTERM)
    assert [ended(worker) for worker in system.workers] == [0, 0, 0]
    assert {worker["status"] for worker in system.listed()} == {"left"}
    assert keys(broker.url) == set()
    for node in (*system.workers, *system.services):
        assert not says(node, "Warning")
        assert not says(node, "superuser")
        assert not says(node, "Traceback")
    system.workers.clear()


@pytest.mark.parametrize("start", ["tradefree", "celery"])
def test_a_second_signal_hands_back_at_once(system: Running, start: str) -> None:
    worker = system.worker() if start == "tradefree" else system.celery_worker()
    task = system.submit("endless")
    system.wait(task, "processing")
    worker.send(signal.SIGTERM)
    wait_for(lambda: says(worker, "Warm shutdown"), "the worker to drain", worker)
    worker.send(signal.SIGTERM)
    assert ended(worker) == 0
    assert says(worker, '"handed_back": 1')
    back = system.wait(task, "pending")
    assert (back["failures"], back["crashes"]) == (0, 0)
    assert system.api.post(f"/tasks/{task}/cancellation").status_code in (200, 202)


@pytest.mark.parametrize("fault", ["killed", "frozen"])
@pytest.mark.parametrize("start", ["tradefree", "celery"])
def test_a_worker_drains_and_ends_without_redis(system: Running, broker: Redis, start: str, fault: str) -> None:
    worker = system.worker() if start == "tradefree" else system.celery_worker()
    task = system.submit("slow")
    system.wait(task, "processing")
    if fault == "killed":
        broker.kill()
    else:
        broker.freeze()
    worker.send(signal.SIGTERM)
    assert ended(worker) == 0
    assert system.wait(task)["attempt_count"] == 1
    assert says(worker, '"handed_back": 0')
    assert not says(worker, "Traceback")
    if fault == "killed":
        broker.start()
    else:
        broker.thaw()
    wait_for(lambda: system.ready()["status"] == "ready", "the service to find Redis again")
