"""``apply``: bring connections and task types to what YAML files say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradefree.cli import render
from tradefree.cli.exits import note
from tradefree.cli.options import AsJson
from tradefree.cli.session import with_store

if TYPE_CHECKING:
    from tradefree.cli.manifest import Manifest
    from tradefree.database.store import SqlStore
    from tradefree.tasks.types import Connection, TaskType

Change = tuple[str, str, str]
"""Kind, name and ``created``, ``changed`` or ``unchanged``."""


def apply(
    files: Annotated[list[Path], typer.Option("--file", "-f", metavar="FILE", help="YAML; may be repeated.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load connections and task types from YAML into the database.

    Values may contain ${ENV} and ${ENV:-default}. All files are checked before anything is written; what is not in
    them stays as it is.

    \b
    tradefree apply -f connections.yaml -f task-types.yaml --dry-run
    """
    from tradefree.cli.manifest import load

    manifest = load(files, os.environ)
    changes = with_store(lambda store: _bring(store, manifest, dry_run=dry_run))
    if as_json:
        items = [{"kind": kind, "name": name, "outcome": outcome} for kind, name, outcome in changes]
        render.document({"dry_run": dry_run, "items": items})
    else:
        columns: render.Columns = (("kind", "text"), ("name", "text"), ("outcome", "status"))
        render.table(columns, changes, empty="The files define nothing.")
    if dry_run:
        note("Nothing was written (--dry-run).")


async def _bring(store: SqlStore, manifest: Manifest, *, dry_run: bool) -> list[Change]:
    from tradefree.bootstrap import make_runners
    from tradefree.database.migrate import require_current

    await require_current(store.database)
    connections = await store.connections()
    _, task_types = await store.task_types()
    manifest.check(make_runners(), connections)
    changes = [("connection", name, _outcome(connections.get(name), new)) for name, new in manifest.connections.items()]
    changes += [("task type", name, _outcome(task_types.get(name), new)) for name, new in manifest.task_types.items()]
    if not dry_run:
        for connection in manifest.connections.values():
            await store.put_connection(connection)
        for task_type in manifest.task_types.values():
            await store.put_task_type(task_type)
    return changes


def _outcome(before: Connection | TaskType | None, new: Connection | TaskType) -> str:
    if before is None:
        return "created"
    return "unchanged" if before == new else "changed"
