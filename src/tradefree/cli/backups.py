"""``backup`` and ``restore``: everything the database holds, in one file and back. They work on the database itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from tradefree.cli import render
from tradefree.cli.exits import note
from tradefree.cli.options import AsJson
from tradefree.cli.session import with_store
from tradefree.cli.words import plural, size
from tradefree.errors import InvalidInput

if TYPE_CHECKING:
    from tradefree.backups.make import Made
    from tradefree.backups.verify import Proof
    from tradefree.database.stores.backing import BackupRecord

LIST: render.Columns = (
    ("id", "text"),
    ("made", "moment"),
    ("file", "text"),
    ("host", "text"),
    ("bytes", "number"),
    ("rows", "number"),
    ("encrypted", "text"),
    ("took", "span"),
    ("restored", "moment"),
    ("error", "text"),
)
Saved = Annotated[str, typer.Argument(metavar="FILE|-", help="A backup; - reads it from stdin.")]


class _Backup(TyperGroup):
    """``tradefree backup FILE`` is ``tradefree backup create FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["create", *args]
        return list(super().parse_args(ctx, args))


backup = typer.Typer(cls=_Backup, help="Back up the database while the system runs, and prove that it can be restored.")


@backup.command()
def create(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|-", help="A new file, a folder, or - for stdout.", show_default="TRADEFREE_BACKUP_FOLDER"
        ),
    ] = None,
    then_verify: Annotated[
        bool, typer.Option("--verify", help="Then restore it into a scratch SQLite file, to prove it.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Then remove all but the newest from the folder.", show_default="all")
    ] = None,
    nice: Annotated[int, typer.Option(min=0, max=19, help="Let others go first, as nice(1) does.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write everything the database holds into one file, while the system runs.

    With TRADEFREE_BACKUP_PASSPHRASE it is encrypted. TRADEFREE_SECRET_KEY is not in it: keep that apart.

    \b
    tradefree backup create /backups --verify --keep 14
    tradefree backup create - | ssh elsewhere 'cat > tradefree.tfb'
    """
    from tradefree.cli import backing

    os.nice(nice)
    if file == backing.PIPE:
        if then_verify or keep is not None or as_json:
            raise InvalidInput("go with a file, not with stdout", field="--verify, --keep and --json")
        if sys.stdout.isatty():
            raise InvalidInput("a backup is not for a terminal: send stdout to a file or a pipe", field="FILE")
        made = with_store(backing.to_stdout)
        note(f"{plural(made.rows, 'row')}, {size(made.size)}{', encrypted' if made.encrypted else ''}.")
        return
    path, made, proof, removed = with_store(lambda store: backing.to_file(store, file, then_verify, keep))
    if as_json:
        document = {"file": str(path), "removed": [str(old) for old in removed]}
        render.document(document | _made(made) | {"proof": _proof(proof) if proof else None})
        return
    render.details([("file", "text", str(path)), *_about_made(made), *(_about_proof(proof) if proof else ())])
    for old in removed:
        note(f"Removed {old}.")


@backup.command()
def verify(
    file: Saved,
    on_server: Annotated[
        bool, typer.Option("--on-server", help="Restore into a scratch database on the configured server.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Prove a backup: restore it into a scratch SQLite file, compare every row, check what must hold.

    Exit code 1 says that it is damaged.
    """
    from tradefree.cli import backing

    proof = backing.run(lambda settings: backing.prove_file(settings, file, on_server=on_server))
    if as_json:
        render.document(_proof(proof))
    else:
        render.details([("backup", "text", proof.id), ("made", "moment", proof.made_at), *_about_proof(proof)])
    if proof.closed:
        note(
            f"{plural(proof.closed, 'stored secret')} cannot be opened with the TRADEFREE_SECRET_KEY that is set here: "
            "keep the one that was in use when the backup was made."
        )


@backup.command("list")
def list_backups(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20, as_json: AsJson = False
) -> None:
    """List the backups made of this database, newest first, and when each was restored for a test."""
    found = with_store(lambda store: store.backups(limit))
    if as_json:
        from dataclasses import asdict

        render.document({"items": [asdict(record) for record in found]})
        return
    render.table(LIST, [_row(record) for record in found], empty="No backup yet; make one: tradefree backup create")


def restore(file: Saved, as_json: AsJson = False) -> None:
    """Restore a backup into an empty database. Stop all services and workers before.

    What was in flight when it was made is taken up again at the next start.
    """
    from tradefree.cli import backing

    restored = backing.run(lambda settings: backing.restore_file(settings, file))
    if as_json:
        render.document({"schema": restored.schema, "rows": restored.rows, "tables": restored.manifest})
        return
    counts = sorted((table, entry["rows"]) for table, entry in restored.manifest.items())
    render.table((("table", "text"), ("rows", "number")), [list(count) for count in counts])
    note(
        "Every row was read again and is the same. Start the system; `tradefree doctor` says whether all fits together."
    )


def _row(record: BackupRecord) -> list[Any]:
    return [
        record.id,
        record.made_at,
        record.file,
        record.host,
        record.size,
        record.row_count,
        "yes" if record.encrypted else None,
        record.took,
        record.proved_at if record.proof_error is None else None,
        record.error or record.proof_error,
    ]


def _about_made(made: Made) -> list[tuple[str, render.Kind, Any]]:
    return [
        ("id", "text", made.id),
        ("bytes", "number", made.size),
        ("rows", "number", made.rows),
        ("encrypted", "text", "yes" if made.encrypted else "no"),
        ("took", "span", made.took),
    ]


def _about_proof(proof: Proof) -> list[tuple[str, render.Kind, Any]]:
    return [
        ("restored", "text", f"{plural(proof.rows, 'row')} on {proof.on}, all the same"),
        ("checked", "text", f"{proof.questions} invariants hold"),
        ("restoring took", "span", proof.took),
    ]


def _made(made: Made) -> dict[str, Any]:
    names = ("id", "made_at", "schema", "encrypted", "size", "rows", "took")
    return {name: getattr(made, name) for name in names} | {"tables": made.manifest}


def _proof(proof: Proof) -> dict[str, Any]:
    names = ("id", "made_at", "schema", "on", "rows", "questions", "closed", "took")
    return {name: getattr(proof, name) for name in names} | {"tables": proof.manifest}
