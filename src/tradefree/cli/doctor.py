"""``doctor``: is everything as it must be, and if not, what to do."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import typer

from tradefree.cli import render
from tradefree.cli.exits import ExitCode, note
from tradefree.cli.options import ApiKey, AsJson, Url


def doctor(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Check settings, database, secrets, broker, service and API key; exit code 1 if something is wrong."""
    from tradefree.cli.checks import examine

    checks = asyncio.run(examine(url, api_key))
    healthy = all(check.status != "failed" for check in checks)
    if as_json:
        render.document({"ok": healthy, "checks": [asdict(check) for check in checks]})
    else:
        columns: render.Columns = (("check", "text"), ("status", "status"), ("found", "text"), ("advice", "text"))
        render.table(columns, [[check.name, check.status, check.detail, check.advice] for check in checks])
        note("All is well." if healthy else "Something is wrong; mend the first fault first.")
    if not healthy:
        raise typer.Exit(ExitCode.UNHAPPY)
