"""What is found out about a Redis before it is used, and by ``/readyz``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from broker.talk import client, connections, settings, until
from tradefree.broker import redis_client
from tradefree.broker.redis_client import knock, open_client, refuse_unfit
from tradefree.errors import SettingsError
from tradefree.testing.processes import free_port
from tradefree.testing.servers import Redis

AWKWARD = "p@ss:w/rd;?#[%25] ü"


@pytest.fixture
def start() -> Iterator[Callable[..., Redis]]:
    """Starts a Redis with options of its own."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Redis(**options))


async def test_a_good_redis_is_taken(url: str) -> None:
    await refuse_unfit(settings(url))
    assert await knock(settings(url)) is None


async def test_a_redis_cluster_is_refused_in_a_sentence(start: Callable[..., Redis]) -> None:
    cluster = start(cluster_enabled="yes", cluster_port=str(free_port()))
    with pytest.raises(SettingsError, match=r"^TRADEFREE_BROKER_URL: .*Redis Cluster.*cannot use"):
        await refuse_unfit(settings(cluster.url))


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:secret@"])
async def test_a_redis_that_refuses_the_login_is_a_wrong_setting(start: Callable[..., Redis], login: str) -> None:
    guarded = start(requirepass="secret")
    url = guarded.url.replace("//", f"//{login}")
    with pytest.raises(SettingsError, match=r"^TRADEFREE_BROKER_URL: Redis refuses user or password"):
        await refuse_unfit(settings(url))
    assert "Redis does not answer" in (await knock(settings(url)) or "")


async def test_awkward_passwords_are_accepted(start: Callable[..., Redis]) -> None:
    guarded = start()
    with client(guarded.url) as operator:
        operator.acl_setuser(
            "shöp@home", enabled=True, passwords=[f"+{AWKWARD}"], keys="*", channels="*", commands=["+@all"]
        )
        operator.acl_setuser("default", enabled=False)
    login = f"{quote('shöp@home', safe='')}:{quote(AWKWARD, safe='')}@"
    chosen = settings(guarded.url.replace("//", f"//{login}"))
    await refuse_unfit(chosen)
    assert await knock(chosen) is None


async def test_a_database_that_redis_does_not_have_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="no such database"):
        await refuse_unfit(settings(url.rpartition("/")[0] + "/99"))


async def test_a_redis_that_may_not_be_asked_is_taken(start: Callable[..., Redis]) -> None:
    guarded = start()
    with client(guarded.url) as operator:
        operator.acl_setuser("default", enabled=True, nopass=True, keys="*", channels="*", commands=["+@all", "-info"])
    await refuse_unfit(settings(guarded.url))


async def test_a_redis_that_is_away_is_not_refused_but_told_of() -> None:
    port = free_port()
    nobody = settings(f"redis://:hunter2@127.0.0.1:{port}/0")
    await refuse_unfit(nobody)
    trouble = await knock(nobody) or ""
    assert trouble.startswith("Redis does not answer: ")
    assert str(port) in trouble
    assert "hunter2" not in trouble


async def test_a_redis_that_hangs_is_not_waited_for(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "KNOCK_SECONDS", 0.5)
    redis.freeze()
    await refuse_unfit(settings(redis.url))
    assert await knock(settings(redis.url)) == "Redis does not answer: it takes too long"


async def test_a_client_leaves_no_connection(redis: Redis) -> None:
    async with open_client(settings(redis.url)) as one:
        await one.ping()
        assert connections(redis.url) == 1
    await until(lambda: connections(redis.url) == 0, "the connection is closed")
