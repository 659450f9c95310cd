"""``logs``: what happened to a task, and what happens."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.exits import lost, note
from tradefree.cli.options import ApiKey, AsJson, TaskId, Url
from tradefree.cli.session import call

if TYPE_CHECKING:
    from tradefree.cli.client import Client

PAGE = 1000
"""Lines asked for at once: the most a service gives."""


class Level(StrEnum):
    """How severe a line is, least first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def logs(
    task_id: TaskId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task has ended.")] = False,
    level: Annotated[Level | None, typer.Option(help="The least severe level to show.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Print a task's log. With --json, one document per line.

    \b
    tradefree logs 019bdf3c-5a6e -f
    tradefree logs 019bdf3c-5a6e --level warning --json
    """
    out = _Printer(as_json=as_json)

    async def work(client: Client) -> None:
        from tradefree.cli.resolve import resolve

        whole = await resolve(client, task_id)
        await (_follow(client, whole, level, out) if follow else _read(client, whole, level, out.line))

    call(url, api_key, work)


async def _read(client: Client, task_id: str, level: Level | None, show: Callable[[dict[str, Any]], None]) -> None:
    after = 0
    while True:
        params = {"after": str(after), "limit": str(PAGE), **({"level": level.value} if level else {})}
        page = await client.get(f"/tasks/{task_id}/logs", params)
        for line in page["items"]:
            show(line)
        if len(page["items"]) < PAGE:
            return
        after = page["next_after"]


async def _follow(client: Client, task_id: str, level: Level | None, out: _Printer) -> None:
    from tradefree.client.stream import follow

    levels = list(Level)
    wanted = levels[levels.index(level) :] if level else levels
    async for event in follow(client, task_id, on_lost=lost):
        if event.name == "log" and event.data.get("level") in wanted:
            out.line(event.data)
        elif event.name == "partial":
            if event.data.get("replace"):
                out.end()
            out.partial(str(event.data.get("text", "")))
        elif event.name == "end":
            out.end()
            note(f"The task is {event.data.get('status')}.")


class _Printer:
    """Prints lines as they come: JSON, coloured or tab-separated."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._terminal = render.on_terminal() and not as_json
        self._console = render.console() if self._terminal else None
        self._open = False
        """True while partial text stands on the last line."""

    def line(self, line: dict[str, Any]) -> None:
        if self._json:
            render.line(line)
        elif self._console is None:
            print(*_cells(line), sep="\t", flush=True)
        else:
            self.end()
            self._console.print(_coloured(line), soft_wrap=True)

    def partial(self, text: str) -> None:
        """A piece of the result; for people only, because it is not stored and may come again."""
        if self._console is not None:
            self._console.print(words.clean(text, keep="\n"), end="", style="italic", soft_wrap=True)
            self._open = True

    def end(self) -> None:
        """Leave the line that partial text stands on."""
        if self._open and self._console is not None:
            self._console.print()
        self._open = False


def _cells(line: dict[str, Any]) -> list[str]:
    created = render.plain("moment", line["created_at"])
    return [created, str(line["level"]), str(line["attempt"]), words.clean(line["message"])]


def _coloured(line: dict[str, Any]) -> Any:
    from rich.text import Text

    moment = words.moment_of(line["created_at"]).astimezone()
    style = render.STYLES.get(line["level"], "")
    return Text.assemble(
        (f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d} ", "bright_black"),
        (f"{line['level']:<8}", style),
        (f"#{line['attempt']} " if line["attempt"] else "", "bright_black"),
        words.clean(line["message"], keep="\n"),
    )
