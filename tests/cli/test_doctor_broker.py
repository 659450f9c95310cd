"""``doctor`` and Redis: one that is away, full, guarded, a replica, a cluster, behind Sentinel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from broker.sentinels import MASTER, guarded
from broker.talk import client
from cli.conftest import Cli
from cli.life import lead, work
from cli.reading import checks as doctor
from cli.reading import not_ok
from cli.service_double import ServiceDouble, ok
from tradefree.bootstrap import VERSION
from tradefree.cli.checks.broker import Seen, judge
from tradefree.cli.checks.check import Caution
from tradefree.settings import load_settings
from tradefree.testing.processes import free_port
from tradefree.testing.servers import Redis

Use = Callable[[str], None]


@pytest.fixture
def use(cli: Cli, service: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Sets the broker's URL; all else is well."""
    cli("migrate")
    lead()
    work("w1")
    service.on("GET", "/readyz", ok({"status": "ready", "version": VERSION, "parts": {}}))
    service.on("GET", "/tasks", ok({"items": [], "next_cursor": None}))
    return lambda url: monkeypatch.setenv("TRADEFREE_BROKER_URL", url)


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


def test_all_is_well(cli: Cli, use: Use, redis: Redis) -> None:
    use(redis.url)
    checks = doctor(cli, code=0)
    assert not_ok(checks) == {}
    assert "needs no persistence" in checks["broker"]["detail"]
    assert checks["broker memory"]["detail"] == "no limit"


def test_it_is_away(cli: Cli, use: Use) -> None:
    use(f"redis://:swordfish@127.0.0.1:{free_port()}/0")
    checks = doctor(cli)
    assert not_ok(checks) == {"broker": "failed", "broker memory": "skipped"}
    assert "does not answer: Error 111" in checks["broker"]["detail"]
    assert "swordfish" not in str(checks)


def test_it_hangs(cli: Cli, use: Use, redis: Redis) -> None:
    use(redis.url)
    redis.freeze()
    try:
        assert "does not answer" in doctor(cli)["broker"]["detail"]
    finally:
        redis.thaw()


def test_the_url_is_wrong(cli: Cli, use: Use) -> None:
    use("redis://:swordfish@host:port/0")
    checks = doctor(cli)
    assert not_ok(checks) == {"broker": "failed", "broker memory": "skipped"}
    assert "TRADEFREE_BROKER_URL: the port must be a number" in checks["broker"]["detail"]


@pytest.mark.parametrize(
    ("policy", "status"), [("allkeys-lru", "warning"), ("volatile-ttl", "warning"), ("noeviction", "ok")]
)
def test_what_it_does_when_it_is_full(cli: Cli, use: Use, redis: Redis, policy: str, status: str) -> None:
    use(redis.url)
    with client(redis.url) as setting:
        setting.config_set("maxmemory-policy", policy)
        assert doctor(cli, code=0)["broker memory"]["status"] == "ok", "it has no limit"
        setting.config_set("maxmemory", "100mb")
    memory = doctor(cli, code=0)["broker memory"]
    assert memory["status"] == status
    assert "100 MB" in memory["detail"]
    assert policy in memory["detail"]
    assert ("maxmemory-policy noeviction" in memory["advice"]) is (status == "warning")


def test_a_cluster(cli: Cli, use: Use) -> None:
    with Redis(cluster_enabled="yes", cluster_port=str(free_port())) as server:
        use(server.url)
        broker = doctor(cli)["broker"]
    assert (broker["status"], "Redis Cluster" in broker["detail"]) == ("failed", True)
    assert "single Redis" in broker["advice"]


def test_a_replica(cli: Cli, use: Use, redis: Redis) -> None:
    with Redis(replicaof=f"127.0.0.1 {redis.port}") as replica:
        use(replica.url)
        broker = doctor(cli)["broker"]
    assert broker["status"] == "failed"
    assert f"replica of 127.0.0.1:{redis.port}, and read-only" in broker["detail"]


def test_a_user_who_may_not_ask(cli: Cli, use: Use, redis: Redis) -> None:
    with client(redis.url) as admin:
        admin.execute_command("ACL SETUSER shop on >swordfish ~* &* +@all -info")
        use(redis.url.replace("redis://", "redis://shop:swordfish@"))
        checks = doctor(cli, code=0)
        assert not_ok(checks) == {"broker memory": "skipped"}
        statement = checks["broker memory"]["advice"].removeprefix("To have it checked: ")
        assert statement == "ACL SETUSER shop +info"
        admin.execute_command(statement)
        assert not_ok(doctor(cli, code=0)) == {}


def test_a_wrong_password(cli: Cli, use: Use) -> None:
    with Redis(requirepass="swordfish") as server:
        use(server.url.replace("redis://", "redis://:swordfish2@"))
        checks = doctor(cli)
        use(server.url.replace("redis://", "redis://:swordfish@"))
        assert not_ok(doctor(cli, code=0)) == {}
    assert not_ok(checks) == {"broker": "failed", "broker memory": "skipped"}
    assert "password" in checks["broker"]["detail"]
    assert "swordfish" not in str(checks)


def test_by_sentinel(cli: Cli, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_BROKER_MASTER", MASTER)
    with guarded(password="swordfish") as redis:
        use(redis.url(login=":swordfish@"))
        checks = doctor(cli, code=0)
        assert not_ok(checks) == {}
        assert f"master {MASTER!r}, by Sentinel" in checks["broker"]["detail"]
        monkeypatch.setenv("TRADEFREE_BROKER_MASTER", "nobody")
        assert not_ok(doctor(cli)) == {"broker": "failed", "broker memory": "skipped"}


def test_old_and_slow_ones() -> None:
    settings = load_settings(broker_url="redis://localhost/0")
    assert "Redis 6.0.16 answers in 0.4 ms" in judge(Seen(0.0004, {"redis_version": "6.0.16"}), settings)
    with pytest.raises(Caution, match=r"Redis 5\.0\.14 is older"):
        judge(Seen(0.0004, {"redis_version": "5.0.14"}), settings)
    with pytest.raises(Caution, match="answers, but in 1 min 10 s"):
        judge(Seen(70.0, {"redis_version": "7.0.15"}), settings)
