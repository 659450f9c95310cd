"""What ``doctor --json`` said, check by check."""

from __future__ import annotations

import json
from typing import Any

from cli.conftest import Cli


def checks(cli: Cli, *options: str, code: int = 1) -> dict[str, dict[str, Any]]:
    """Every check by its name; each but a good one says what to do, or what comes first."""
    said = json.loads(cli("doctor", "--json", *options, code=code).stdout)
    assert said["ok"] is (code == 0)
    for check in said["checks"]:
        first = check["status"] == "skipped" and check["detail"].endswith("comes first")
        assert bool(check["advice"]) is (check["status"] != "ok" and not first), check
    return {check["name"]: check for check in said["checks"]}


def not_ok(checks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Statuses of those that are not good."""
    return {name: check["status"] for name, check in checks.items() if check["status"] != "ok"}
