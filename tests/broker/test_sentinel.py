"""Redis behind Sentinels: signals and rings find the master, and the new one when it dies."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from broker.sentinels import MASTER, Guarded, Sentinel, guarded
from broker.talk import Messages, a_process, heard, settings, until, until_missed
from tradefree.broker.celery_app import make_celery
from tradefree.broker.doorbell import CeleryDoorbell
from tradefree.broker.redis_client import knock, refuse_unfit
from tradefree.broker.redis_signals import RedisSignals
from tradefree.settings import Settings
from tradefree.tasks.ports import DISPATCH
from tradefree.testing.servers import Redis

PASSWORD = "p@ss:w/rd?%25"
LOGIN = f":{quote(PASSWORD, safe='')}@"
KEY = "tradefree:worker.w1"


def chosen(url: str, **more: object) -> Settings:
    return settings(url, broker_master=MASTER, **more)


async def until_heard(messages: Messages, speaker: RedisSignals) -> None:
    """Return when a message that is published again and again is heard."""
    async with asyncio.timeout(30):
        while True:
            speaker.publish(DISPATCH, {"lanes": []})
            try:
                async with asyncio.timeout(0.2):
                    await heard(messages)
                    return
            except TimeoutError:
                continue


async def survives(system: Guarded, url: str) -> None:
    """Signals and rings work, the master dies, they work again."""
    bell = CeleryDoorbell(make_celery(chosen(url)))
    async with (
        a_process(url, broker_master=MASTER) as one,
        a_process(url, broker_master=MASTER) as other,
        other.subscribe(DISPATCH) as messages,
    ):
        await until_missed(messages)
        one.publish(DISPATCH, {"lanes": []})
        await heard(messages)
        await bell.ring("worker.w1", ["id-1"])
        with system.client(system.master) as looking:
            await until(lambda: looking.llen(KEY) == 1, "the ring is at the master")
        await until(system.knows_replica, "the Sentinels know the replica")
        system.master.kill()
        await until(system.promoted, "the replica is the master")
        await until_missed(messages)
        await until_heard(messages, one)
        with system.client(system.replica) as looking:
            looking.delete(KEY)
            await bell.ring("worker.w1", ["id-2"])
            await until(lambda: looking.llen(KEY) == 1, "the ring is at the new master")
    bell.close()


async def test_the_death_of_the_master_is_survived() -> None:
    with guarded() as system:
        await refuse_unfit(chosen(system.url()))
        assert await knock(chosen(system.url())) is None
        await survives(system, system.url())


async def test_with_a_password_and_several_sentinels_of_which_one_dies_too() -> None:
    with guarded(password=PASSWORD, sentinels=2) as system:
        assert await knock(chosen(system.url())) is not None  # without the password
        system.sentinels[0].kill()
        system.sentinels = system.sentinels[1:]
        url = f"sentinel://{LOGIN}127.0.0.1:1/2;{system.url().removesuffix('/2')}"
        await survives(system, url)


async def test_a_sentinel_may_ask_for_a_password_of_its_own(redis: Redis) -> None:
    with Sentinel(redis, own_password="of-sentinel") as sentinel:
        url = f"sentinel://127.0.0.1:{sentinel.port}/2"
        assert await knock(chosen(url)) is not None
        told = chosen(url, broker_sentinel_password="of-sentinel")
        assert await knock(told) is None
        bell = CeleryDoorbell(make_celery(told))
        await bell.ring("worker.w1", ["id-1"])
        looking = Guarded(redis, redis, (), "").client(redis)
        await until(lambda: looking.llen(KEY) == 1, "the ring is at the master")
        looking.close()
        bell.close()


@pytest.mark.parametrize("name", ["mymaster", "nobody"])
async def test_a_master_that_no_sentinel_knows_is_told_of(name: str, redis: Redis) -> None:
    with Sentinel(redis) as sentinel:
        trouble = await knock(settings(f"sentinel://127.0.0.1:{sentinel.port}", broker_master=name))
    assert name in (trouble or "")
