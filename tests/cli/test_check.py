"""``tradefree check`` and the connections in ``tradefree doctor``."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from cli.conftest import Cli, rows
from cli.reading import checks
from cli.service_double import ServiceDouble, ok, problem

GOOD = {"check": "address", "status": "ok", "detail": "is a Dify of version 1.14.2", "advice": ""}
BAD = {"check": "key", "status": "failed", "detail": "Access token is invalid", "advice": "Copy the key anew."}


def report(*found: dict[str, str]) -> dict[str, Any]:
    return {"connection": "bot", "ok": all(item["status"] != "failed" for item in found), "checks": list(found)}


def test_a_good_connection(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/connections/bot/check", ok(report(GOOD)))
    result = cli("check", "bot")
    assert rows(result) == [["address", "ok", "is a Dify of version 1.14.2", ""]]
    assert "All is well." in result.stderr


def test_a_bad_one_ends_with_1(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/connections/bot/check", ok(report(GOOD, BAD)))
    result = cli("check", "bot", code=1)
    assert rows(result)[1] == ["key", "failed", "Access token is invalid", "Copy the key anew."]
    assert json.loads(cli("check", "bot", "--json", code=1).stdout)["checks"][1] == BAD


def test_one_that_is_not_there(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/connections/nope/check", problem(404, "no connection 'nope'"))
    assert "no connection 'nope'" in cli("check", "nope", code=5).stderr


def test_doctor_looks_at_each_connection(cli: Cli, service: ServiceDouble) -> None:
    cli("migrate")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        Path("f.yaml").write_text(f"connections: {{bot: {{base_url: '{url}', api_key: app-1}}}}")
        cli("apply", "-f", "f.yaml")
        found = checks(cli)["connection bot"]
    assert found["status"] == "failed"
    assert found["detail"] == f"address: {url} refuses connections: nothing listens there"
    assert found["advice"] == "Start Dify, or mend host and port in base_url."


def test_apply_says_that_the_app_cannot_be_asked_for_its_form(cli: Cli) -> None:
    cli("migrate")
    Path("f.yaml").write_text(
        "connections: {bot: {base_url: 'http://127.0.0.1:1/v1', api_key: app-1}}\n"
        "task_types: {sum-up: {runner: dify.workflow, connection: bot, input_schema: from-app}}\n"
    )
    said = cli("apply", "-f", "f.yaml", code=2).stderr
    assert "f.yaml: task_types/sum-up/input_schema: cannot be had from the app of bot" in said
    assert "refuses connections" in said
