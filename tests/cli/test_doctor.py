from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cli.conftest import Cli, rows
from cli.life import lead, wait, work
from cli.reading import checks as _checks
from cli.reading import not_ok as _not_ok
from cli.service_double import ServiceDouble, ok, problem
from tradefree.bootstrap import VERSION
from tradefree.cli.checks import database

ON_TABLES = dict.fromkeys(("tables", "writable", "secrets", "queues", "workers", "leader", "backups"), "skipped")
"""What is not looked at when the tables are not there."""


@pytest.fixture
def healthy(cli: Cli, service: ServiceDouble) -> ServiceDouble:
    cli("migrate")
    lead()
    work("w1")
    service.on("GET", "/readyz", ok({"status": "ready", "version": VERSION, "parts": {}}))
    service.on("GET", "/tasks", ok({"items": [], "next_cursor": None}))
    return service


def test_all_is_well(cli: Cli, healthy: ServiceDouble) -> None:
    result = cli("doctor")
    assert {row[1] for row in rows(result)} == {"ok"}
    assert "All is well." in result.stderr


def test_a_wrong_setting(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_PORT", "x")
    assert "TRADEFREE_PORT" in _checks(cli)["settings"]["detail"]


def test_sessions_that_can_be_taken_on_the_way(
    cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEFREE_CONSOLE_INSECURE_COOKIE", "true")
    lines = {row[0]: row for row in rows(cli("doctor"))}
    assert lines["console"][1] == "warning"
    assert "TLS" in " ".join(lines["console"])


def test_no_database_yet_and_none_is_made_by_looking(cli: Cli, healthy: ServiceDouble, surroundings: Path) -> None:
    for file in surroundings.iterdir():
        file.unlink()
    checks = _checks(cli)
    assert _not_ok(checks) == {"database": "failed", "server": "skipped", "schema": "skipped", **ON_TABLES}
    assert "tradefree migrate" in checks["database"]["advice"]
    assert list(surroundings.iterdir()) == []


def test_a_database_that_is_slow_to_answer(cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SLOW", 0.0)
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"database": "warning"}
    assert "answers, but in" in checks["database"]["detail"]


def test_a_later_schema_that_lets_this_version_work(cli: Cli, healthy: ServiceDouble, surroundings: Path) -> None:
    with contextlib.closing(sqlite3.connect(surroundings / "test.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"schema": "warning"}
    assert "is at 9999; this version needs" in checks["schema"]["detail"]


def test_an_old_schema(cli: Cli, healthy: ServiceDouble) -> None:
    lead(-1)
    work("w1", lease=-1)
    cli("migrate", "--down", "base")
    assert _not_ok(_checks(cli)) == {"schema": "failed", **ON_TABLES}


@pytest.mark.parametrize(
    "sealed",
    [
        "connections: {bot: {base_url: 'http://x/v1', api_key: app-1}}",
        "hooks: {code: {preset: github, secrets: [long-enough]}}",
    ],
)
def test_a_lost_secret_key(cli: Cli, healthy: ServiceDouble, sealed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("f.yaml").write_text(sealed)
    cli("apply", "-f", "f.yaml")
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", Fernet.generate_key().decode())
    assert _not_ok(_checks(cli)) == {"secrets": "failed"}


def test_a_service_that_is_not_there(cli: Cli, healthy: ServiceDouble) -> None:
    assert _not_ok(_checks(cli, "--url", "http://127.0.0.1:1")) == {"service": "failed", "API key": "skipped"}


def test_a_service_that_is_not_ready(cli: Cli, healthy: ServiceDouble) -> None:
    healthy.on("GET", "/readyz", problem(503, "database: it is away"))
    checks = _checks(cli)
    assert _not_ok(checks) == {"service": "failed", "API key": "skipped"}
    assert "it is away" in checks["service"]["detail"]


def test_a_revoked_key(cli: Cli, healthy: ServiceDouble) -> None:
    healthy.on("GET", "/tasks", problem(401, "the API key has been revoked"))
    assert _not_ok(_checks(cli)) == {"API key": "failed"}


def test_no_key(cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADEFREE_API_KEY")
    assert _not_ok(_checks(cli)) == {"API key": "failed"}


def test_a_key_that_may_only_write_is_good(cli: Cli, healthy: ServiceDouble) -> None:
    healthy.on("GET", "/tasks", problem(403, "this key has no scope 'tasks:read'"))
    assert "tasks:read" in _checks(cli, code=0)["API key"]["detail"]


def test_a_service_without_its_broker(cli: Cli, healthy: ServiceDouble) -> None:
    parts = {"database": "ok", "broker": "Redis does not answer: it takes too long"}
    healthy.on("GET", "/readyz", ok({"status": "degraded", "version": VERSION, "parts": parts}))
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"service": "warning"}
    assert "broker: Redis does not answer" in checks["service"]["detail"]


def test_a_service_of_another_version(cli: Cli, healthy: ServiceDouble) -> None:
    healthy.on("GET", "/readyz", ok({"status": "ready", "version": "0.0.1", "parts": {}}))
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"service": "warning"}
    assert f"version 0.0.1; this is {VERSION}" in checks["service"]["detail"]


# ── what runs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_runs(cli: Cli, healthy: ServiceDouble) -> None:
    lead(-1)
    work("w1", lease=-1)
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"workers": "warning", "leader": "warning"}
    assert "`tradefree up`" in checks["leader"]["advice"]
    said = cli("doctor")
    assert "It works; 2 warnings." in said.stderr


def test_workers_of_another_version(cli: Cli, healthy: ServiceDouble) -> None:
    work("w2", version="0.0.9")
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"workers": "warning"}
    assert f"2 live workers, but 1 of 0.0.9; this is {VERSION}" in checks["workers"]["detail"]


def test_queues_that_nobody_serves(cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    wait("default", "small", 2)
    wait("heavy", "large", 3)
    wait("heavy", "larger")
    wait("many", "tiny", 1001)
    work("w2", "quick", lease=-1)
    wait("quick", "swift")
    checks = _checks(cli, code=0)
    assert _not_ok(checks) == {"queues": "warning"}
    queues = checks["queues"]
    assert queues["detail"] == (
        "no live worker serves heavy (large, larger: 3 tasks waiting); many (tiny: over 1000 tasks waiting); "
        "quick (swift: 0 tasks waiting)"
    )
    assert queues["advice"] == "Set TRADEFREE_QUEUES=default,heavy,many,quick and start `tradefree up`."
    monkeypatch.setenv("TRADEFREE_BROKER_URL", "redis://127.0.0.1:1/0")
    assert "`tradefree worker --queues heavy,many,quick`" in _checks(cli)["queues"]["advice"]
    work("w3", "heavy", "many", "quick")
    assert _checks(cli)["queues"]["status"] == "ok"


def test_on_a_terminal_it_is_a_table(cli: Cli, healthy: ServiceDouble, terminal: None) -> None:
    wait("heavy", "large", 3)
    said = cli("doctor").stdout
    assert said.splitlines()[0].split() == ["check", "status", "found", "advice"]
    assert "warning" in said
