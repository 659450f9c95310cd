"""``schedules``: events that are raised by themselves."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call, path_of

schedules = typer.Typer(help="See schedules and their runs; pause and resume them.", no_args_is_help=True)

Document = dict[str, Any]

LIST: render.Columns = (
    ("name", "text"),
    ("state", "status"),
    ("when", "text"),
    ("next run", "moment"),
    ("last run", "moment"),
    ("event", "text"),
    ("paused", "text"),
)
RUNS: render.Columns = (("run", "moment"), ("outcome", "status"), ("event", "text"), ("reason", "text"))

ScheduleName = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.", show_default=False)]


@schedules.command("list")
def list_schedules(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the schedules, with their next and last run."""
    found = call(url, api_key, lambda client: client.get("/schedules"))
    if as_json:
        render.document(found)
        return
    empty = "No schedule is defined; see `tradefree apply`."
    render.table(LIST, [_row(schedule) for schedule in found["items"]], empty=empty)


@schedules.command()
def show(name: ScheduleName, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Show one schedule with its next five runs, by its own clock.

    \b
    tradefree schedules show nightly
    """
    found = call(url, api_key, lambda client: client.get(path_of("schedules", name)))
    if as_json:
        render.document(found)
        return
    _tell(found)


@schedules.command()
def runs(
    name: ScheduleName,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Runs to show.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Show the runs of a schedule, newest first: raised, skipped or missed.

    \b
    tradefree schedules runs nightly --limit 50
    """
    found = call(url, api_key, lambda client: client.get(path_of("schedules", name, "runs"), [("limit", str(limit))]))
    if as_json:
        render.document(found)
        return
    rows = [[run["fire_at"], run["outcome"], run["event_id"], run["reason"]] for run in found["items"]]
    render.table(RUNS, rows, empty="It has not run yet.")


@schedules.command()
def pause(
    name: ScheduleName,
    reason: Annotated[str, typer.Option("--reason", help="Shown to whoever looks at it.")] = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Let a schedule not run until it is resumed. What would have run meanwhile is not made up for.

    \b
    tradefree schedules pause nightly --reason "the shop is being moved"
    """
    body = {"reason": reason} if reason else {}
    _shown(call(url, api_key, lambda client: client.put(path_of("schedules", name, "pause"), body)), as_json=as_json)


@schedules.command()
def resume(name: ScheduleName, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Let a paused schedule go on with its next run."""
    _shown(call(url, api_key, lambda client: client.delete(path_of("schedules", name, "pause"))), as_json=as_json)


@schedules.command()
def delete(name: ScheduleName, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Delete a schedule. Events and tasks that it made stay."""
    call(url, api_key, lambda client: client.delete(path_of("schedules", name)))
    if as_json:
        render.document({"name": name, "deleted": True})


def _shown(found: Document, *, as_json: bool) -> None:
    if as_json:
        render.document(found)
    else:
        render.table(LIST, [_row(found)])


def _row(schedule: Document) -> list[Any]:
    return [
        schedule["name"],
        schedule["state"],
        _when(schedule),
        next(iter(schedule["next_runs"]), None),
        schedule["last_run_at"],
        schedule["event"]["type"],
        _paused(schedule["pause"]),
    ]


def _tell(schedule: Document) -> None:
    render.details(
        [
            ("name", "text", schedule["name"]),
            ("state", "status", schedule["state"]),
            ("when", "text", _when(schedule)),
            ("next runs", "text", ", ".join(schedule["next_runs"])),
            ("last run", "moment", schedule["last_run_at"]),
            ("its event", "text", schedule["last_event_id"]),
            ("event", "text", schedule["event"]["type"]),
            ("misfire", "text", schedule["misfire"]),
            ("overlap", "text", schedule["overlap"]),
            ("paused", "text", _paused(schedule["pause"])),
            ("description", "text", schedule["description"]),
        ]
    )


def _when(schedule: Document) -> str:
    if schedule["cron"] is not None:
        return f"{schedule['cron']} {schedule['time_zone']}"
    if schedule["every"] is not None:
        return f"every {words.span(schedule['every'])}"
    return f"at {schedule['at']}"


def _paused(pause: Document | None) -> str | None:
    if pause is None:
        return None
    return f"by {pause['by']}" + (f": {pause['reason']}" if pause["reason"] else "")
