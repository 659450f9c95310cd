"""The doorbell: what a ring is in Redis, and that it neither waits for Redis nor litters it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable

import pytest

from broker.talk import client, keys, settings, until
from faults.chaos.proxy import Proxy
from tradefree.broker import celery_app, doorbell
from tradefree.broker.celery_app import RING, RING_LASTS, make_celery, own_queue
from tradefree.broker.doorbell import CeleryDoorbell, unhang_soon
from tradefree.testing.servers import Redis

QUEUE = "tradefree:worker.w1@host"
ADDRESS = "worker.w1@host"

Hang = Callable[[str], CeleryDoorbell]


@pytest.fixture
async def hang(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hang]:
    """Makes doorbells that give up within a second."""
    monkeypatch.setattr(celery_app, "SILENCE", 1)
    made: list[CeleryDoorbell] = []

    def make(url: str) -> CeleryDoorbell:
        made.append(CeleryDoorbell(make_celery(settings(url))))
        return made[-1]

    yield make
    for one in made:
        one.close()


def rings(url: str, queue: str = QUEUE) -> list[list[str]]:
    """The ids of each ring in a queue, oldest first."""
    with client(url) as looking:
        envelopes = [json.loads(text) for text in reversed(looking.lrange(queue, 0, -1))]
    assert all(envelope["headers"]["task"] == RING for envelope in envelopes)
    return [json.loads(base64.b64decode(envelope["body"]))[0][0] for envelope in envelopes]


async def test_a_ring_lies_in_the_workers_own_queue_and_nothing_else_in_redis(url: str, hang: Hang) -> None:
    await hang(url).ring(ADDRESS, ["id-1", "id-2"])
    await until(lambda: keys(url) == {QUEUE}, "the ring is there")
    assert rings(url) == [["id-1", "id-2"]]


async def test_many_ids_are_rung_a_hundred_at_a_time_and_in_order(url: str, hang: Hang) -> None:
    ids = [f"id-{n}" for n in range(250)]
    await hang(url).ring(ADDRESS, ids)
    await until(lambda: len(rings(url)) == 3, "all are there")
    assert [len(some) for some in rings(url)] == [100, 100, 50]
    assert [id_ for some in rings(url) for id_ in some] == ids


async def test_the_prefix_and_the_database_are_those_of_the_settings(url: str) -> None:
    bell = CeleryDoorbell(make_celery(settings(url, broker_prefix="shop-b/")))
    await bell.ring(ADDRESS, ["id-1"])
    await until(lambda: keys(url) == {f"shop-b/{ADDRESS}"}, "the ring is there")
    bell.close()


async def test_rings_of_a_worker_that_is_gone_do_not_stay_for_ever(url: str, hang: Hang) -> None:
    bell = hang(url)
    for n in range(2):
        await bell.ring(ADDRESS, [f"id-{n}"])
        await until(lambda n=n: len(rings(url)) == n + 1, "the ring is there")  # type: ignore[misc]
        with client(url) as looking:
            assert RING_LASTS - 120 < looking.ttl(QUEUE) <= RING_LASTS
            looking.expire(QUEUE, RING_LASTS - 600)


async def test_a_forgotten_worker_leaves_nothing(url: str, hang: Hang) -> None:
    bell = hang(url)
    await bell.ring(ADDRESS, ["id-1"])
    await bell.ring("worker.w2@host", ["id-2"])
    await until(lambda: len(keys(url)) == 2, "the rings are there")
    bell.forget(ADDRESS)
    await until(lambda: keys(url) == {"tradefree:worker.w2@host"}, "the one is gone")


async def test_a_queue_is_declared_without_a_binding(url: str) -> None:
    app = make_celery(settings(url))
    with app.connection_for_write() as connection:
        own_queue(ADDRESS)(connection.default_channel).declare()
    assert keys(url) == set()


async def test_a_redis_that_was_killed_and_wiped_is_rung_again_at_once(redis: Redis, hang: Hang) -> None:
    bell = hang(redis.url)
    for n in range(2):
        await bell.ring(ADDRESS, [f"id-{n}"])
        await until(lambda n=n: rings(redis.url) == [[f"id-{n}"]], "the ring is there")  # type: ignore[misc]
        redis.kill()
        redis.start()


async def test_a_connection_that_redis_closed_meanwhile_costs_no_ring(redis: Redis, hang: Hang) -> None:
    bell = hang(redis.url)
    for n in range(3):
        await bell.ring(ADDRESS, [f"id-{n}"])
        await until(lambda n=n: len(rings(redis.url)) == n + 1, "the ring is there")  # type: ignore[misc]
        with client(redis.url) as operator:
            operator.client_kill_filter(_type="normal", skipme=True)


async def test_while_redis_is_away_rings_are_given_up_and_afterwards_they_work(
    redis: Redis, hang: Hang, capsys: pytest.CaptureFixture[str]
) -> None:
    bell = hang(redis.url)
    redis.kill()
    for n in range(50):
        await bell.ring(ADDRESS, [f"lost-{n}"])
    bell.forget("worker.w2@host")
    await until(bell._jobs.empty, "all were tried")
    redis.start()
    await bell.ring(ADDRESS, ["id-1"])
    await until(lambda: ["id-1"] in rings(redis.url), "the ring is there")
    assert capsys.readouterr().out.count("ring lost") == 1


async def test_while_redis_hangs_rings_wait_a_second_at_most_and_afterwards_they_work(
    redis: Redis, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "PATIENCE", 0.2)
    bell = hang(redis.url)
    await bell.ring(ADDRESS, ["id-0"])
    await until(lambda: rings(redis.url) == [["id-0"]], "the ring is there")
    redis.freeze()
    for n in range(50):
        await bell.ring(ADDRESS, [f"late-{n}"])
    await until(bell._jobs.empty, "the thread is free again")
    redis.thaw()
    await bell.ring(ADDRESS, ["id-1"])
    await until(lambda: ["id-1"] in rings(redis.url), "the ring is there")
    assert len(rings(redis.url)) <= 4  # the one that hung, perhaps twice; the others were too old


async def test_a_half_open_connection_costs_a_few_rings(redis: Redis, hang: Hang) -> None:
    async with Proxy(redis.port) as proxy:
        bell = hang(f"redis://127.0.0.1:{proxy.port}/0")
        await bell.ring(ADDRESS, ["id-0"])
        await until(lambda: rings(redis.url) == [["id-0"]], "the ring is there")
        assert proxy.forget()
        await bell.ring(ADDRESS, ["lost"])
        await until(bell._jobs.empty, "the thread is at it")
        await bell.ring("worker.w2@host", ["waits behind it"])
        await until(bell._jobs.empty, "the thread is free again")
        await bell.ring(ADDRESS, ["id-1"])
        await until(lambda: ["id-1"] in rings(redis.url), "the ring is there")


@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_the_end_of_a_worker_does_not_wait_for_redis(redis: Redis, fault: str) -> None:
    app = make_celery(settings(redis.url))
    if fault == "killed":
        redis.kill()
    else:
        redis.freeze()
    unhang_soon(app, ADDRESS)  # or this test would take as long as the broker hangs: for ever


def test_the_end_of_a_process_does_not_wait_for_redis(redis: Redis) -> None:
    script = """
        import asyncio, sys
        from broker.talk import settings
        from tradefree.broker.celery_app import make_celery
        from tradefree.broker.doorbell import CeleryDoorbell

        bell = CeleryDoorbell(make_celery(settings(sys.argv[1], broker_prefix="hung:")))
        asyncio.run(bell.ring("worker.w1@host", ["id-1"]))
        bell.forget("worker.w1@host")
        bell.close()
    """
    redis.freeze()
    command = [sys.executable, "-c", textwrap.dedent(script), redis.url]
    done = subprocess.run(command, cwd="tests", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
