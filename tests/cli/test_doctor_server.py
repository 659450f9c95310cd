"""``doctor`` on MariaDB and MySQL: servers of one's own, with every setting that it should say something about."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cli.conftest import Cli, rows
from cli.life import lead, work
from cli.reading import checks as doctor
from cli.reading import not_ok
from cli.service_double import ServiceDouble, ok
from database.servers import OWN, on_server, opened, own_server, user_of
from private_servers import redis_url
from tradefree.access.secrets import new_key
from tradefree.bootstrap import VERSION
from tradefree.cli.checks import clocks, examine
from tradefree.cli.checks import server as judging
from tradefree.cli.checks.check import Caution, Fault
from tradefree.clock import SystemClock
from tradefree.database import mysql
from tradefree.database.engine import Database
from tradefree.database.server import Server, read_server
from tradefree.testing.servers import Mariadb

ALL_WELL = {
    "innodb_flush_log_at_trx_commit": "1",
    "max_allowed_packet": str(64 << 20),
    "max_connections": "500",
    "innodb_buffer_pool_size": str(256 << 20),
}
LOGGED = {"sync_binlog": "1", "binlog_format": "'ROW'"}


@pytest.fixture(scope="module", params=OWN)
def server(request: pytest.FixtureRequest) -> Iterator[Mariadb]:
    """Its time zone is not ours."""
    server = own_server(request.param)
    server.environment = {**(server.environment or os.environ), "TZ": "Asia/Shanghai"}
    with server:
        asyncio.run(on_server(server.url("mysql"), "CREATE DATABASE x CHARACTER SET latin1"))
        yield server


Settings = Callable[..., None]


@pytest.fixture
def configure(server: Mariadb) -> Settings:
    """Sets the server's global settings; all others are good."""

    def set_(**values: object) -> None:
        wanted = {**ALL_WELL, **LOGGED, **{name: str(value) for name, value in values.items()}}
        statements = [f"SET GLOBAL {name} = {value}" for name, value in wanted.items()]
        asyncio.run(on_server(server.url("mysql"), *statements, "FLUSH STATUS"))

    return set_


@pytest.fixture
def url(server: Mariadb, configure: Settings) -> sa.URL:
    configure()
    return sa.make_url(server.url("x"))


@pytest.fixture
def healthy(cli: Cli, service: ServiceDouble, url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceDouble]:
    """Nothing of a test is left for the next."""
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", new_key())
    monkeypatch.setenv("TRADEFREE_BROKER_URL", redis_url())
    use(url, monkeypatch)
    cli("migrate")
    lead()
    work("w1")
    service.on("GET", "/readyz", ok({"status": "ready", "version": VERSION, "parts": {}}))
    service.on("GET", "/tasks", ok({"items": [], "next_cursor": None}))
    yield service
    tables = ("workers", "task_types", "tasks", "task_logs")
    asyncio.run(on_server(url, *(f"DELETE FROM {table}" for table in tables)))


def use(url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_DATABASE_URL", url.render_as_string(hide_password=False))


# ── the settings ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_is_well(cli: Cli, healthy: ServiceDouble) -> None:
    result = cli("doctor")
    assert {row[1] for row in rows(result)} == {"ok"}, result.stdout
    assert "All is well." in result.stderr


@pytest.mark.parametrize(
    ("settings", "check", "status", "words", "advice"),
    [
        ({"innodb_flush_log_at_trx_commit": 2}, "durability", "warning", "may be lost at a power cut", "_commit = 1"),
        ({"innodb_flush_log_at_trx_commit": 0}, "durability", "warning", "may be lost at a power cut", "_commit = 1"),
        ({"sync_binlog": 0}, "binary log", "warning", "sync_binlog=0", "sync_binlog = 1"),
        ({"max_allowed_packet": 16 << 20}, "packet size", "warning", "16 MB; 20.1 MB are needed", "= 33554432"),
        ({"max_allowed_packet": 4 << 20}, "packet size", "failed", "4 MB, but requests or results", "= 33554432"),
        ({"max_connections": 31}, "connections", "warning", "may open 32 connections, the server takes 31", "= 96"),
    ],
)
def test_a_setting(
    cli: Cli,
    healthy: ServiceDouble,
    configure: Settings,
    settings: dict[str, object],
    check: str,
    status: str,
    words: str,
    advice: str,
) -> None:
    configure(**settings)
    checks = doctor(cli, code=1 if status == "failed" else 0)
    assert not_ok(checks) == {check: status}
    assert words in checks[check]["detail"]
    assert advice in checks[check]["advice"]


def test_a_binary_log_of_statements(cli: Cli, healthy: ServiceDouble, configure: Settings) -> None:
    configure(binlog_format="'STATEMENT'")
    checks = doctor(cli)
    assert not_ok(checks) == {"server": "failed", "binary log": "failed", "writable": "failed"}
    assert "binlog_format = 'ROW'" in checks["binary log"]["advice"]


def test_more_data_than_memory(cli: Cli, healthy: ServiceDouble, url: sa.URL) -> None:
    pool = 5 << 20
    asyncio.run(on_server(url, f"SET GLOBAL innodb_buffer_pool_size = {pool}"))
    ((got,),) = asyncio.run(on_server(url, "SELECT @@innodb_buffer_pool_size"))  # MySQL gives 128 MB at the least
    assert "KB of data and indexes" in doctor(cli, code=0)["buffer pool"]["detail"]
    filling = "INSERT INTO task_logs (task_id, level, message, created_at, event, attempt) "
    row = "SELECT 'x', 'info', REPEAT('x', 500000), NOW(), 'e', 1 FROM information_schema.columns LIMIT 30"
    asyncio.run(on_server(url, filling + row))
    asyncio.run(grown(url, 10 << 20))
    found = doctor(cli, code=0)["buffer pool"]
    assert "MB of data and indexes" in found["detail"]
    assert found["status"] == ("warning" if int(got) < 15 << 20 else "ok")


async def grown(url: sa.URL, volume: int) -> None:
    """Return when the server's estimate is over so many bytes: it follows in the background, but not a day later."""
    database = opened(url)
    server = await read_server(database)
    async with asyncio.timeout(90):
        while await judging.read_volume(database, server) < volume:  # noqa: ASYNC110 (nobody tells, so it is asked)
            await asyncio.sleep(0.1)
    await database.close()


def test_the_advice_for_more_data_than_memory() -> None:
    server = Server("MySQL", (8, 0, 36), {"innodb_buffer_pool_size": str(128 << 20)})
    assert judging.buffer_pool(server, 128 << 20) == "128 MB of memory for 128 MB of data and indexes"
    with pytest.raises(Caution) as caught:
        judging.buffer_pool(server, 700 << 20)
    assert str(caught.value) == "128 MB of memory for 700 MB of data and indexes"
    assert "Set innodb_buffer_pool_size to 1 GB, or to three quarters" in caught.value.advice


def test_a_session_that_is_not_as_it_was_set(cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql, "SESSION", mysql.SESSION.replace("READ COMMITTED", "REPEATABLE READ"))
    checks = doctor(cli)
    assert not_ok(checks) == {"session": "failed"}
    assert "REPEATABLE-READ" in checks["session"]["detail"]


# ── the tables, the clock, other people's transactions ──────────────────────────────────────────────────────────────


def test_tables_that_were_altered(cli: Cli, healthy: ServiceDouble, url: sa.URL) -> None:
    asyncio.run(on_server(url, "ALTER TABLE attempts ENGINE=MyISAM"))
    checks = doctor(cli)
    assert not_ok(checks) == {"tables": "failed"}
    mending = checks["tables"]["advice"]
    assert "ALTER TABLE attempts ENGINE=InnoDB;" in mending
    asyncio.run(on_server(url, mending[mending.index("ALTER TABLE") :]))
    assert doctor(cli, code=0)["tables"]["status"] == "ok"


class Ahead(SystemClock):
    """A clock that is ahead by so many seconds."""

    by = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.by)


@pytest.mark.parametrize(
    ("by", "status", "words"),
    [
        (0.2, "ok", "agree"),
        (3.0, "warning", "3 s ahead of the database"),
        (-3.0, "warning", "3 s behind the database"),
        (60.0, "failed", "1 min ahead of the database"),
    ],
)
def test_a_clock_that_is_wrong(
    cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch, by: float, status: str, words: str
) -> None:
    monkeypatch.setattr(Ahead, "by", by)
    monkeypatch.setattr(examine, "SystemClock", Ahead)
    checks = doctor(cli, code=1 if status == "failed" else 0)
    assert not_ok(checks) == ({} if status == "ok" else {"clock": status})
    assert words in checks["clock"]["detail"]


async def test_a_transaction_that_stays_open(url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    await on_server(url, "CREATE TABLE IF NOT EXISTS held (n INT) ENGINE=InnoDB")
    database = opened(url)
    other: AsyncEngine = create_async_engine(url)
    try:
        async with other.begin() as holding:
            await holding.execute(sa.text("INSERT INTO held VALUES (1)"))
            number = await holding.scalar(sa.text("SELECT CONNECTION_ID()"))
            assert await judging.transactions(database) == "none is open for long"
            monkeypatch.setattr(judging, "OPEN_FOR", 0)
            said = await _told(database)
            assert re.match(rf"connection {number} has had a transaction open for \d s; it may hold locks", str(said))
            assert f"KILL {number}" in said.advice
    finally:
        await other.dispose()
        await database.close()


async def _told(database: Database) -> Caution:
    """The server remembers its list of transactions until nobody has asked for it for a tenth of a second."""
    async with asyncio.timeout(10):
        while True:
            try:
                await judging.transactions(database)
            except Caution as caution:
                return caution
            await asyncio.sleep(0.2)


# ── rights and logins ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_with_the_rights_that_are_needed(
    cli: Cli, healthy: ServiceDouble, url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON x.*"
    user = asyncio.run(user_of(url, rights))
    use(user, monkeypatch)
    checks = doctor(cli, code=0)
    assert not_ok(checks) == {"transactions": "skipped"}
    advice = checks["transactions"]["advice"]
    statement = advice.removeprefix("To have them checked: ")
    asyncio.run(on_server(url, statement))
    assert not_ok(doctor(cli, code=0)) == {}
    assert "swordfish" not in cli("doctor", "--json").output + cli("doctor").output


def test_a_user_who_may_only_read(
    cli: Cli, healthy: ServiceDouble, url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(asyncio.run(user_of(url, "SELECT ON x.*")), monkeypatch)
    checks = doctor(cli)
    assert not_ok(checks) == {"transactions": "skipped", "writable": "failed"}
    assert "GRANT SELECT, INSERT, UPDATE, DELETE" in checks["writable"]["advice"]


def test_a_user_who_may_see_one_table(
    cli: Cli, healthy: ServiceDouble, url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(asyncio.run(user_of(url, "SELECT ON x.task_logs")), monkeypatch)
    checks = doctor(cli)
    assert checks["schema"]["status"] == "failed"
    assert {checks[name]["status"] for name in ("tables", "writable", "queues")} == {"skipped"}
    assert checks["durability"]["status"] == "ok"


def test_a_wrong_password(cli: Cli, healthy: ServiceDouble, url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    use(asyncio.run(user_of(url)).set(password="swordfish2"), monkeypatch)
    checks = doctor(cli)
    assert checks["database"]["status"] == "failed"
    assert "the name or the password is wrong" in checks["database"]["detail"]
    assert checks["broker"]["status"] == "ok"
    assert "swordfish" not in cli("doctor", code=1).output


def test_no_secret_key(cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADEFREE_SECRET_KEY")
    assert not_ok(doctor(cli)) == {"secrets": "failed"}


# ── judgements that a test cannot bring about ───────────────────────────────────────────────────────────────────────


def test_a_clock_is_only_called_wrong_if_it_surely_is() -> None:
    assert "agree within 2 s" in clocks.judge(1.5, 2.0)
    with pytest.raises(Caution):
        clocks.judge(3.5, 2.0)
    with pytest.raises(Fault):
        clocks.judge(-13.0, 2.0)


def test_a_server_that_was_nearly_full() -> None:
    server = Server("MySQL", (8, 0, 36), {"max_connections": "100"})
    assert "90 have been in use at once" in judging.connections(server, 2, 90)
    with pytest.raises(Caution, match="91 of 100 connections"):
        judging.connections(server, 2, 91)
