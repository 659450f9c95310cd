"""``check``: is there what a connection says, and does it suit the task types that use it?"""

from __future__ import annotations

from typing import Annotated

import typer

from tradefree.cli import render
from tradefree.cli.exits import ExitCode, note
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call, path_of

COLUMNS: render.Columns = (("check", "text"), ("status", "status"), ("found", "text"), ("advice", "text"))


def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A connection; `tradefree connections` lists them.")],
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Check a connection: address, key, kind of app, publication, form; exit code 1 if something is wrong.

    The task service asks, with the key that is stored. Nothing is started.
    """
    path = path_of("connections", name, "check")
    report = call(url, api_key, lambda client: client.post(path, {}))
    if as_json:
        render.document(report)
    else:
        rows = [[item["check"], item["status"], item["detail"], item["advice"]] for item in report["checks"]]
        render.table(COLUMNS, rows)
        note("All is well." if report["ok"] else "Tasks with this connection will fail; mend the first fault first.")
    if not report["ok"]:
        raise typer.Exit(ExitCode.UNHAPPY)
