"""``hooks``: doors for foreign webhooks."""

from __future__ import annotations

import json
from typing import Any

from cli.conftest import Cli, rows
from cli.service_double import Answer, ServiceDouble, ok
from tradefree.cli.exits import ExitCode


def hook(name: str = "code", **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "",
        "preset": "github",
        "secrets_set": 1,
        "signature": None,
        "token_header": "authorization",
        "id_header": None,
        "tolerance": 300.0,
        "event": {},
        "enabled": True,
        "path": f"/hooks/{name}",
        "received": {},
        **values,
    }


AT = "2026-01-31T08:00:00+00:00"
COUNTED = {
    "accepted": {"number": 7, "last_at": AT},
    "repeated": {"number": 2, "last_at": AT},
    "bad_signature": {"number": 3, "last_at": AT},
    "not_json": {"number": 1, "last_at": AT},
}


def test_all_of_them(cli: Cli, service: ServiceDouble) -> None:
    items = [hook(received=COUNTED), hook("old", enabled=False, preset="token")]
    service.on("GET", "/hooks", ok({"items": items}))

    assert json.loads(cli("hooks", "list", "--json").stdout) == {"items": items}
    assert rows(cli("hooks", "list")) == [
        ["code", "active", "github", "/hooks/code", "7", "2", "4", AT],
        ["old", "disabled", "token", "/hooks/old", "0", "0", "0", ""],
    ]


def test_one_of_them(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/hooks/code", ok(hook(received=COUNTED)))

    shown = rows(cli("hooks", "show", "code"))

    assert ["path", "/hooks/code"] in shown
    assert ["bad_signature", "3", AT] in shown
    assert json.loads(cli("hooks", "show", "code", "--json").stdout)["secrets_set"] == 1


def test_delete(cli: Cli, service: ServiceDouble) -> None:
    service.on("DELETE", "/hooks/code", Answer(204))

    cli("hooks", "delete", "code")

    assert service.asked[-1].method == "DELETE"
    assert json.loads(cli("hooks", "delete", "code", "--json").stdout) == {"name": "code", "deleted": True}


def test_none_is_there(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", "/hooks", ok({"items": []}))

    assert "No hook is defined" in cli("hooks", "list").stdout
    cli("hooks", "show", "nobody", code=ExitCode.NOT_FOUND)
