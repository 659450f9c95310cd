"""What goes to stdout: JSON for programs, tables with colours on a terminal, tab-separated text in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from tradefree.cli.words import ago, clean, moment_of, span
from tradefree.clock import SystemClock

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Kind = Literal["text", "status", "moment", "span", "number"]
Columns = Sequence[tuple[str, Kind]]

STYLES = {
    "scheduled": "blue",
    "pending": "cyan",
    "queued": "cyan",
    "processing": "yellow",
    "awaiting_input": "magenta",
    "completed": "green",
    "failed": "red",
    "cancelled": "bright_black",
    "open": "green",
    "paused": "red",
    "down": "red",
    "drained": "blue",
    "live": "green",
    "draining": "yellow",
    "left": "dim",
    "dead": "red",
    "active": "green",
    "expired": "yellow",
    "revoked": "red",
    "created": "green",
    "changed": "yellow",
    "unchanged": "bright_black",
    "ok": "green",
    "skipped": "bright_black",
    "debug": "bright_black",
    "info": "default",
    "warning": "yellow",
    "error": "red",
    "lost": "red",
    "deferred": "blue",
    "asked": "magenta",
    "handed_back": "blue",
    "accepted": "green",
    "repeated": "bright_black",
    "bad_signature": "red",
    "not_json": "red",
    "unmapped": "red",
    "ended": "bright_black",
    "raised": "green",
    "missed": "red",
    "made": "green",
    "refused": "red",
    "no_match": "bright_black",
    "enabled": "green",
    "disabled": "red",
    "added": "green",
    "removed": "red",
    "same": "bright_black",
}
"""The colour of each word that is a status, a level or an outcome."""


def on_terminal() -> bool:
    """True if a person reads stdout."""
    return sys.stdout.isatty()


def console() -> Console:
    """Rich for stdout; markup is off because much of the text is not ours."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def document(value: Any) -> None:
    """One JSON document."""
    print(_json(value, indent=2))


def line(value: Any) -> None:
    """One JSON document on one line, at once: a program may be following."""
    print(_json(value, indent=None), flush=True)


def _json(value: Any, indent: int | None) -> str:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not utf8, indent=indent, default=_iso)


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def table(columns: Columns, rows: Sequence[Sequence[Any]], *, empty: str = "Nothing there.") -> None:
    """Rows as a table without its empty columns, or tab-separated, all columns, no heading, when piped."""
    if not on_terminal():
        for row in rows:
            print(*(plain(kind, value) for (_, kind), value in zip(columns, row, strict=True)), sep="\t")
        return
    if not rows:
        console().print(empty)
        return
    from rich.table import Table

    now = SystemClock().now()
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    filled = [index for index in range(len(columns)) if any(row[index] not in (None, "") for row in rows)]
    for title, kind in (columns[index] for index in filled):
        whole = kind != "text" or title in ("id", "name", "type")
        shown.add_column(
            title,
            justify="right" if kind == "number" else "left",
            no_wrap=whole,
            overflow="fold",
            min_width=None if whole else 6,
        )
    for row in rows:
        shown.add_row(*(pretty(columns[index][1], row[index], now) for index in filled))
    console().print(shown)


def details(rows: Sequence[tuple[str, Kind, Any]]) -> None:
    """Names and values, one line each. On a terminal, those without a value are left out."""
    if not on_terminal():
        for name, kind, value in rows:
            print(name, plain(kind, value), sep="\t")
        return
    from rich.table import Table

    now = SystemClock().now()
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, kind, value in rows:
        if value not in (None, "", {}, []):
            shown.add_row(name, pretty(kind, value, now))
    console().print(shown)


def payload(title: str, value: Any) -> None:
    """An input or output as JSON under a heading; for terminals."""
    from rich.text import Text

    shown = json.dumps(value, ensure_ascii=False, indent=2)
    console().print(Text(title, style="bold"), Text(clean(shown, keep="\n")), sep="\n", soft_wrap=True)


def plain(kind: Kind, value: Any) -> str:
    """A value for a pipe: ISO times, seconds, no line ends."""
    if value is None:
        return ""
    if kind == "moment":
        return moment_of(value).isoformat()
    if kind == "span":
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list):
        return clean(json.dumps(value, ensure_ascii=False))
    return clean(value)


def pretty(kind: Kind, value: Any, now: datetime) -> Text:
    """A value for a person."""
    from rich.text import Text

    if value is None:
        return Text("–", style="bright_black")
    if kind == "moment":
        return Text(ago(value, now))
    if kind == "span":
        return Text(span(value))
    return Text(plain(kind, value), style=STYLES.get(str(value), "") if kind == "status" else "")
