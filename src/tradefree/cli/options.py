"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from tradefree.tasks.states import Status


def seconds(text: str) -> float:
    """A duration as people write it, in seconds."""
    from tradefree.tasks.durations import parse_duration

    try:
        return float(parse_duration(text))
    except ValueError as error:
        try:
            return float(text)
        except ValueError:
            raise typer.BadParameter(str(error)) from None


def label(text: str) -> str:
    """A label, ``name=value``."""
    name, equals, _ = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"should be name=value, not {text!r}")
    return text


_SERVICE = "Task service"
_WHICH = "Which tasks"

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Where it is.",
        show_default="TRADEFREE_API_URL, else http://127.0.0.1:8080",
        rich_help_panel=_SERVICE,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        help="Better in the environment: others can see your command line.",
        show_default="TRADEFREE_API_KEY",
        rich_help_panel=_SERVICE,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]

TaskId = Annotated[str, typer.Argument(metavar="ID", help="A task's id, or the beginning of one that no other has.")]
TaskIds = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="Ids of tasks, or beginnings that no others have.")
]

Statuses = Annotated[
    list[Status] | None, typer.Option("--status", help="In this status; may be repeated.", rich_help_panel=_WHICH)
]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="Of this task type; may be repeated.", rich_help_panel=_WHICH)
]
KeyFilter = Annotated[str | None, typer.Option("--key", help="With this concurrency key.", rich_help_panel=_WHICH)]
LabelFilter = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", help="With this label; may be repeated.", rich_help_panel=_WHICH),
]
Query = Annotated[
    str | None,
    typer.Option("--q", help="With this text in id (beginning), key, label or error.", rich_help_panel=_WHICH),
]
After = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="TIME",
        help="Created after: 2026-01-31T08:00Z, or 2h for two hours ago.",
        rich_help_panel=_WHICH,
    ),
]
Before = Annotated[
    str | None, typer.Option("--before", metavar="TIME", help="Created before; as --after.", rich_help_panel=_WHICH)
]
FinishedAfter = Annotated[
    str | None,
    typer.Option("--finished-after", metavar="TIME", help="Ended after; as --after.", rich_help_panel=_WHICH),
]
FinishedBefore = Annotated[
    str | None,
    typer.Option("--finished-before", metavar="TIME", help="Ended before; as --after.", rich_help_panel=_WHICH),
]
