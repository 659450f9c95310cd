"""``event``: raise events, find them, look at what became of one."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.exits import ExitCode, note
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call, path_of

if TYPE_CHECKING:
    from tradefree.cli.client import Client

Document = dict[str, Any]

event = typer.Typer(help="Raise events, and see what became of them.", no_args_is_help=True)

SOURCE = "/tradefree/cli"
EVENTS: render.Columns = (
    ("id", "text"),
    ("type", "text"),
    ("source", "text"),
    ("event id", "text"),
    ("received", "moment"),
    ("by", "text"),
    ("decided", "text"),
)
DECISIONS: render.Columns = (
    ("trigger", "text"),
    ("version", "number"),
    ("outcome", "status"),
    ("task", "text"),
    ("part", "text"),
    ("reason", "text"),
)
TASKS: render.Columns = (
    ("task", "text"),
    ("type", "text"),
    ("status", "status"),
    ("tries", "number"),
    ("error", "text"),
)


@event.command()
def send(
    type_name: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Type of the event, such as com.example.order.created.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON", help="Its data: JSON, @FILE, or - for stdin.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where it comes from.")] = SOURCE,
    event_id: Annotated[
        str | None, typer.Option("--id", help="With the source it tells the event from others. Left out: a fresh one.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="What of the source it is about.")] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="An extension; may be repeated.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="A whole CloudEvent as JSON, or an array of them.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Raise an event, or those in a file. The same source and id again are the same event: nothing is made twice.

    \b
    tradefree event send com.example.order.created --data '{"order": "SO-1042", "amount": 250}'
    tradefree event send --file events.json
    """
    from tradefree.cli.inputs import parse, read_input

    if (type_name is None) == (file is None):
        raise typer.BadParameter("give either the type of an event or --file")
    if file is not None:
        body = parse(file.read_bytes(), str(file))
    else:
        said = {"specversion": "1.0", "id": event_id or str(uuid.uuid4()), "source": source, "type": type_name}
        said |= dict(_pair(text) for text in attributes or ())
        body = said | ({"subject": subject} if subject else {}) | ({"data": read_input(data)} if data else {})
    answer = call(url, api_key, lambda client: client.send_events(body))
    items = answer["items"] if isinstance(body, list) else [{"event": answer, "error": None}]
    if as_json:
        render.document(answer)
    else:
        taken = [item["event"] for item in items if item["event"]]
        render.table((("id", "text"), ("decided", "text")), [[e["id"], _decided(e, tasks=True)] for e in taken])
    _complain(items)


def _complain(items: list[Document]) -> None:
    if known := sum(bool(item["event"] and item["event"]["replayed"]) for item in items):
        note(f"{words.plural(known, 'event')} had been sent before; nothing was made twice.")
    rejected = [(index, item["error"]["detail"]) for index, item in enumerate(items) if item["error"]]
    for index, detail in rejected:
        note(f"event {index}: {detail}")
    if rejected:
        raise typer.Exit(ExitCode.REFUSED)


@event.command(name="list")
def list_events(
    type_name: Annotated[str | None, typer.Option("--type", help="Of this type; `*` at the end for anything.")] = None,
    source: Annotated[str | None, typer.Option(help="From this source.")] = None,
    subject: Annotated[str | None, typer.Option(help="About this subject.")] = None,
    received_by: Annotated[str | None, typer.Option("--by", help="Taken by: key:ID, hook:SLUG, schedule:NAME.")] = None,
    after: Annotated[str | None, typer.Option(metavar="TIME", help="Received after: 2026-01-31T08:00Z, or 2h.")] = None,
    before: Annotated[str | None, typer.Option(metavar="TIME", help="Received before; as --after.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Events to show.")] = 50,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Find events, newest first.

    \b
    tradefree event list --type 'com.example.order.*' --after 2h
    """
    from tradefree.cli.filters import moment

    said = {
        "type": type_name,
        "source": source,
        "subject": subject,
        "received_by": received_by,
        "received_after": moment(after, "--after"),
        "received_before": moment(before, "--before"),
        "limit": str(limit),
    }
    params = {name: value for name, value in said.items() if value is not None}
    page = call(url, api_key, lambda client: client.get("/events", params))
    if as_json:
        render.document(page)
        return
    render.table(EVENTS, [_row(each) for each in page["items"]], empty="No event matches.")


@event.command()
def show(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id, as `event list` shows it.")],
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Show one event: what each trigger decided and why, and the tasks it made.

    \b
    tradefree event show 019bdf3c-5a6e-7c02-9d3e-0d1c2b3a4f5e
    """

    async def work(client: Client) -> Document:
        found: Document = await client.get(path_of("events", event_id))
        return found

    found = call(url, api_key, work)
    if as_json:
        render.document(found)
        return
    render.details(_facts(found))
    if found["decisions"]:
        render.table(DECISIONS, [_decision(decision) for decision in found["decisions"]])
        _conditions(found["decisions"])
    if found["tasks"]:
        render.table(TASKS, [_task(task) for task in found["tasks"]])
    if render.on_terminal() and found["data"] is not None:
        render.payload("data", found["data"])


def _row(found: Document) -> list[Any]:
    names = ("id", "type", "source", "event_id", "received_at", "received_by")
    return [*(found[name] for name in names), _decided(found)]


def _decided(found: Document, *, tasks: bool = False) -> str:
    """``big-orders: made``, with the tasks if they are wanted."""
    return ", ".join(
        f"{d['trigger']}: {d['outcome']}" + (f" {d['task_id']}" if tasks and d["task_id"] else "")
        for d in found["decisions"]
    )


def _facts(found: Document) -> list[tuple[str, render.Kind, Any]]:
    names = ("id", "type", "source", "event_id", "subject")
    attributes = {name: str(value) for name, value in found["attributes"].items()}
    return [
        *((name.replace("_", " "), "text", found[name]) for name in names),
        ("happened", "moment", found["time"]),
        ("received", "moment", found["received_at"]),
        ("by", "text", found["received_by"]),
        ("attributes", "text", words.labels(attributes)),
        ("data", "text", None if render.on_terminal() else found["data"]),
    ]


def _decision(decision: Document) -> list[Any]:
    return [decision[name] for name in ("trigger", "version", "outcome", "task_id", "part", "reason")]


def _conditions(decisions: list[Document]) -> None:
    """On a terminal: which parts of the filters were true."""
    if not render.on_terminal():
        return
    for decision in decisions:
        for condition in decision["conditions"]:
            held = {True: "true", False: "false", None: "no value"}[condition["held"]]
            render.console().print(f"{decision['trigger']}: {held}: {words.clean(condition['text'])}")


def _task(task: Document) -> list[Any]:
    return [task[name] for name in ("id", "type", "status", "attempt_count", "error_message")]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"should be name=value, not {text!r}", param_hint="--attribute")
    return name, value
