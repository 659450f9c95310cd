"""``tradefree``: all commands, put together. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import gc
import io
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tradefree.cli import run as running
from tradefree.cli.answer import answer
from tradefree.cli.apply import apply
from tradefree.cli.backups import backup, restore
from tradefree.cli.browse import show, tasks
from tradefree.cli.callbacks import callbacks
from tradefree.cli.check import check
from tradefree.cli.control import cancel, retry
from tradefree.cli.doctor import doctor
from tradefree.cli.events import event
from tradefree.cli.exits import ExitCode, reported
from tradefree.cli.hooks import hooks
from tradefree.cli.keys import keys
from tradefree.cli.limits import audit, drain, limits, pause, resume
from tradefree.cli.logs import logs
from tradefree.cli.schedules import schedules
from tradefree.cli.schema import migrate
from tradefree.cli.secrets import secrets
from tradefree.cli.standin import dify_standin
from tradefree.cli.submit import submit
from tradefree.cli.system import connections, stats, types, workers
from tradefree.cli.triggers import triggers


class Commands(TyperGroup):
    """The commands, with errors reported in one sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        with reported():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
    help="Tradefree AI task system: AI workflows as reliable background tasks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS = {
    "Tasks": (submit, tasks, show, logs, answer, cancel, retry),
    "Limits": (limits, pause, resume, drain, audit),
    "System": (stats, workers, types, connections, check, doctor),
    "Set up": (migrate, apply, restore),
    "Run": (running.up, running.api, running.worker, dify_standin),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(schedules, name="schedules", rich_help_panel="Events")
app.add_typer(hooks, name="hooks", rich_help_panel="Events")
app.add_typer(callbacks, name="callbacks", rich_help_panel="System")
app.add_typer(keys, name="keys", rich_help_panel="Set up")
app.add_typer(backup, name="backup", rich_help_panel="Set up")
app.add_typer(secrets, name="secrets", rich_help_panel="Set up")
app.add_typer(event, name="event", rich_help_panel="Events")
app.add_typer(triggers, name="triggers", rich_help_panel="Events")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("tradefree"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """The entry point of the ``tradefree`` script."""
    gc.set_threshold(100_000, 20, 20)  # what is imported stays; looking through it is a tenth of a start
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character gets its code
    try:
        app()
    except Exception:
        traceback.print_exc()
        sys.exit(ExitCode.BUG)


if __name__ == "__main__":
    run()
