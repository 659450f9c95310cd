from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cli.conftest import Cli, rows
from cli.service_double import ServiceDouble, ok, problem
from tradefree.cli.checks import Fault, knock


@pytest.fixture
def healthy(cli: Cli, service: ServiceDouble) -> ServiceDouble:
    cli("migrate")
    service.on("GET", "/readyz", ok({"status": "ready", "version": "1"}))
    service.on("GET", "/tasks", ok({"items": [], "next_cursor": None}))
    return service


def _checks(cli: Cli, *options: str, code: int = 1) -> dict[str, dict[str, Any]]:
    said = json.loads(cli("doctor", "--json", *options, code=code).stdout)
    assert said["ok"] is (code == 0)
    return {check["name"]: check for check in said["checks"]}


def _not_ok(checks: dict[str, dict[str, Any]]) -> dict[str, str]:
    for check in checks.values():
        assert bool(check["advice"]) is (check["status"] == "failed")
    return {name: check["status"] for name, check in checks.items() if check["status"] != "ok"}


def test_all_is_well(cli: Cli, healthy: ServiceDouble) -> None:
    result = cli("doctor")
    assert {row[1] for row in rows(result)} == {"ok"}
    assert "All is well." in result.stderr


def test_a_wrong_setting(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_PORT", "x")
    assert "TRADEFREE_PORT" in _checks(cli)["settings"]["detail"]


def test_no_database_yet_and_none_is_made_by_looking(cli: Cli, healthy: ServiceDouble, surroundings: Path) -> None:
    for file in surroundings.iterdir():
        file.unlink()
    checks = _checks(cli)
    assert _not_ok(checks) == {"database": "failed", "schema": "skipped", "writable": "skipped", "secrets": "skipped"}
    assert "tradefree migrate" in checks["database"]["advice"]
    assert list(surroundings.iterdir()) == []


def test_an_old_schema(cli: Cli, healthy: ServiceDouble) -> None:
    cli("migrate", "--down", "base")
    assert _not_ok(_checks(cli)) == {"schema": "failed", "writable": "skipped", "secrets": "skipped"}


def test_a_lost_secret_key(cli: Cli, healthy: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("f.yaml").write_text("connections: {bot: {base_url: 'http://x/v1', api_key: app-1}}")
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


async def test_a_broker_that_does_not_answer() -> None:
    def refuse() -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(Fault, match=r"does not answer: .*Connection refused"):
        await knock(refuse)
    await knock(lambda: None)
