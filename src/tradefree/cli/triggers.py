"""``triggers``: the rules from event to task, and drafts of them tried on what happened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call, path_of

if TYPE_CHECKING:
    from tradefree.cli.client import Client
    from tradefree.events.trigger import Trigger

Document = dict[str, Any]

triggers = typer.Typer(help="The rules that make tasks of events.", no_args_is_help=True)

LIST: render.Columns = (
    ("name", "text"),
    ("state", "status"),
    ("event", "text"),
    ("filter", "text"),
    ("task type", "text"),
    ("version", "number"),
    ("failures", "number"),
    ("changed", "moment"),
    ("reason", "text"),
)
TRIED: render.Columns = (
    ("event", "text"),
    ("type", "text"),
    ("received", "moment"),
    ("draft", "status"),
    ("change", "status"),
    ("differs", "text"),
    ("part", "text"),
    ("reason", "text"),
)
VERSIONS: render.Columns = (
    ("version", "number"),
    ("at", "moment"),
    ("by", "text"),
    ("state", "text"),
    ("reason", "text"),
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a trigger; see `tradefree triggers list`.")]


@triggers.command(name="list")
def list_triggers(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the triggers.

    \b
    tradefree triggers list
    """
    found = call(url, api_key, lambda client: client.get("/triggers"))
    if as_json:
        render.document(found)
        return
    render.table(LIST, [_row(each) for each in found["items"]], empty="No trigger is defined.")


@triggers.command()
def show(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Show one trigger with its latest versions.

    \b
    tradefree triggers show big-orders
    """

    async def work(client: Client) -> Document:
        found: Document = await client.get(path_of("triggers", name))
        found["versions"] = (await client.get(path_of("triggers", name, "versions")))["items"]
        return found

    found = call(url, api_key, work)
    if as_json:
        render.document(found)
        return
    said = {key: value for key, value in found.items() if key != "versions"}
    render.details([(key.replace("_", " "), "text", value) for key, value in said.items()])
    render.table(VERSIONS, [_version(version) for version in found["versions"]])


@triggers.command()
def enable(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Let a trigger look at events again. Its failures count anew.

    \b
    tradefree triggers enable big-orders
    """
    _switch(name, True, as_json=as_json, url=url, api_key=api_key)


@triggers.command()
def disable(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Let a trigger look at no more events.

    \b
    tradefree triggers disable big-orders
    """
    _switch(name, False, as_json=as_json, url=url, api_key=api_key)


@triggers.command()
def delete(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Delete a trigger. What it decided stays.

    \b
    tradefree triggers delete big-orders
    """
    call(url, api_key, lambda client: client.delete(path_of("triggers", name)))
    if as_json:
        render.document({"name": name, "outcome": "deleted"})
    else:
        render.table((("name", "text"), ("outcome", "text")), [[name, "deleted"]])


@triggers.command()
def preview(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML with `triggers`, as `tradefree apply` takes it.")],
    name: Annotated[str | None, typer.Option(help="Which of its triggers; may be left out if there is one.")] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="Events received since: 7d, or 2026-01-31T08:00Z.")] = "7d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Events received until; as --since.")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="Events to look at, the newest first.")] = 1000,
    shown: Annotated[int, typer.Option(min=0, max=100, help="Events to tell one by one.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Try a draft trigger on what happened: which tasks it would have made, which parts of its filter were true, and
    what differs from the trigger of that name that holds now. Writes nothing.

    \b
    tradefree triggers preview triggers.yaml --name big-orders --since 7d
    """
    from tradefree.cli.filters import moment
    from tradefree.cli.manifest import load

    draft = _chosen(load([file], os.environ).triggers, name, file)
    body = {
        "trigger": draft.model_dump(mode="json", exclude_defaults=True),
        "since": moment(since, "--since"),
        "until": moment(until, "--until"),
        "most": most,
        "shown": shown,
    }
    found = call(url, api_key, lambda client: client.post("/triggers/preview", body))
    if as_json:
        render.document(found)
        return
    render.details(_summary(found))
    render.table(TRIED, [_tried(item) for item in found["items"]], empty="It looks at none of these events.")


def _chosen(drafts: dict[str, Trigger], name: str | None, file: Path) -> Trigger:
    if name is not None and name not in drafts:
        raise typer.BadParameter(f"{file} has no trigger {name!r}", param_hint="--name")
    if name is None and len(drafts) != 1:
        raise typer.BadParameter(f"{file} has {len(drafts)} triggers: say which", param_hint="--name")
    return drafts[name] if name is not None else next(iter(drafts.values()))


def _summary(found: Document) -> list[tuple[str, render.Kind, Any]]:
    whole = "" if found["complete"] else " (there are more; --most looks at more)"
    lines: list[tuple[str, render.Kind, Any]] = [
        ("events", "text", f"{found['seen']}{whole}"),
        ("back to", "moment", found["back_to"]),
        ("draft", "text", _counts(found["outcomes"])),
        ("current", "text", None if found["current"] is None else _counts(found["current"])),
        ("changes", "text", _counts(found["changes"])),
    ]
    held = ("true", "false", "failed")
    lines += [(each["text"], "text", _counts({name: each[name] for name in held})) for each in found["conditions"]]
    return lines


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())


def _tried(item: Document) -> list[Any]:
    draft = item["draft"]
    differs = ", ".join(item["differs"])
    names = ("id", "type", "received_at")
    return [*(item[n] for n in names), draft["outcome"], item["change"], differs, draft["part"], draft["reason"]]


def _row(found: Document) -> list[Any]:
    return [
        found["name"],
        _state(found),
        found["event"],
        found["filter"],
        found["task_type"],
        found["version"],
        found["failures"] or None,
        found["updated_at"],
        found["disabled_reason"],
    ]


def _state(found: Document) -> str:
    return "enabled" if found["enabled"] else "disabled"


def _version(version: Document) -> list[Any]:
    state = "deleted" if version["trigger"] is None else _state(version["trigger"])
    return [version["version"], version["at"], version["by"], state, version["reason"]]


def _switch(name: str, enabled: bool, *, as_json: bool, url: str | None, api_key: str | None) -> None:
    found = call(url, api_key, lambda client: client.put(path_of("triggers", name, "enabled"), {"enabled": enabled}))
    if as_json:
        render.document(found)
    else:
        render.table(LIST, [_row(found)])
