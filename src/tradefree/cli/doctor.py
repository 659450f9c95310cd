"""``doctor``: is everything as it must be, and if not, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from tradefree.cli import render
from tradefree.cli.exits import ExitCode, note
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.words import plural

if TYPE_CHECKING:
    from tradefree.cli.checks.check import Check


def doctor(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Check settings, database, connections, broker, workers, service, API key; exit code 1 if something is wrong."""
    from tradefree.cli.checks.examine import examine

    checks = asyncio.run(examine(url, api_key))
    healthy = all(check.status != "failed" for check in checks)
    if as_json:
        render.document({"ok": healthy, "checks": [asdict(check) for check in checks]})
    else:
        columns: render.Columns = (("check", "text"), ("status", "status"), ("found", "text"), ("advice", "text"))
        render.table(columns, [[check.name, check.status, check.detail, check.advice] for check in checks])
        note(_sum_up(checks))
    if not healthy:
        raise typer.Exit(ExitCode.UNHAPPY)


def _sum_up(checks: Sequence[Check]) -> str:
    if any(check.status == "failed" for check in checks):
        return "Something is wrong; mend the first fault first."
    warnings = sum(check.status == "warning" for check in checks)
    return f"It works; {plural(warnings, 'warning')}." if warnings else "All is well."
