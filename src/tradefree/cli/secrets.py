"""``secrets``: the keys that encrypt what is stored. Works on the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradefree.cli import render
from tradefree.cli.exits import ExitCode, note
from tradefree.cli.options import AsJson
from tradefree.cli.person import person
from tradefree.cli.session import with_store

if TYPE_CHECKING:
    from tradefree.database.store import SqlStore
    from tradefree.database.stores.resealing import Resealed

secrets = typer.Typer(help="Change the key that encrypts secrets.", no_args_is_help=True)


@secrets.callback()
def _secrets() -> None:
    pass


@secrets.command()
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Encrypt every stored secret with the first key of TRADEFREE_SECRET_KEY, while everything runs.

    Start all processes with `old,new` first, then with `new,old`; then rotate; then start them with `new` alone.

    \b
    tradefree keys secret
    TRADEFREE_SECRET_KEY=$NEW,$OLD tradefree secrets rotate
    """

    async def work(store: SqlStore) -> Resealed:
        from tradefree.clock import SystemClock
        from tradefree.database.migrate import require_current
        from tradefree.tasks.ports import Entry

        await require_current(store.database)
        entry = Entry.new(SystemClock().now(), person("tradefree secrets"), "secrets.rotate", "secrets")
        return await store.reseal(entry, dry_run=dry_run)

    done = with_store(work)
    if as_json:
        render.document({"renewed": done.renewed, "current": done.current, "unreadable": done.unreadable})
    else:
        render.details([("renewed", "number", done.renewed), ("current", "number", done.current)])
    for name in done.unreadable:
        note(f"{name}: none of the keys in TRADEFREE_SECRET_KEY opens it; add the old key, or save it again.")
    if done.unreadable:
        raise typer.Exit(ExitCode.UNHAPPY)
    if not dry_run:
        note("The old keys are not needed any more, except for backups that were made before.")
