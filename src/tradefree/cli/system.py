"""``workers``, ``stats``, ``types``, ``connections``: the system as the service sees it."""

from __future__ import annotations

from typing import Any

from tradefree.cli import render, words
from tradefree.cli.exits import note
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call

WORKERS: render.Columns = (
    ("id", "text"),
    ("name", "text"),
    ("status", "status"),
    ("tasks", "number"),
    ("capacity", "number"),
    ("queues", "text"),
    ("version", "text"),
    ("started", "moment"),
    ("lease until", "moment"),
)
TYPES: render.Columns = (
    ("name", "text"),
    ("runner", "text"),
    ("connection", "text"),
    ("queue", "text"),
    ("timeout", "span"),
    ("attempts", "number"),
    ("max running", "number"),
    ("description", "text"),
)
CONNECTIONS: render.Columns = (("name", "text"), ("kind", "text"), ("base URL", "text"))


def workers(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the workers, those that left or died lately included."""
    _listing("/workers", WORKERS, _worker, "No worker is known; start one with `tradefree up`.", as_json, url, api_key)


def stats(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Count tasks by status and type, and places of workers."""
    found = call(url, api_key, lambda client: client.get("/stats"))
    if as_json:
        render.document(found)
        return
    rows = [["all types", status, count] for status, count in found["by_status"].items()]
    for name, counts in sorted(found["by_type"].items()):
        rows += [[name, status, count] for status, count in counts.items()]
    render.table((("type", "text"), ("status", "status"), ("tasks", "number")), rows)
    for queue in found["queues"]:
        if queue["waiting"] and not queue["workers"]:
            waits = f"{words.plural(queue['waiting'], 'task')} in the queue {queue['name']!r}"
            note(f"No live worker serves {waits}; start one with `tradefree worker --queues {queue['name']}`.")
    places = found["workers"]
    if render.on_terminal():
        live = words.plural(places["live"], "live worker")
        render.console().print(f"\n{live}, {places['in_flight']} of {places['capacity']} places in use")


def types(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the task types."""
    _listing("/task-types", TYPES, _type, "No task type; define some with `tradefree apply`.", as_json, url, api_key)


def connections(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the connections. Their secrets are never shown."""
    empty = "No connection; define some with `tradefree apply`."
    _listing("/connections", CONNECTIONS, _connection, empty, as_json, url, api_key)


def _listing(
    path: str, columns: render.Columns, row: Any, empty: str, as_json: bool, url: str | None, api_key: str | None
) -> None:
    found = call(url, api_key, lambda client: client.get(path))
    if as_json:
        render.document(found)
    else:
        render.table(columns, [row(item) for item in found["items"]], empty=empty)


def _worker(item: dict[str, Any]) -> list[Any]:
    return [
        item["id"],
        item["name"],
        item["status"],
        item["in_flight"],
        item["capacity"],
        ", ".join(item["queues"]),
        item["version"],
        item["started_at"],
        item["lease_until"],
    ]


def _type(item: dict[str, Any]) -> list[Any]:
    return [
        item["name"],
        item["runner"],
        item["connection"],
        item["queue"],
        item["timeout"],
        item["retry"]["max_attempts"],
        item["concurrency"]["max_running"],
        item["description"],
    ]


def _connection(item: dict[str, Any]) -> list[Any]:
    return [item["name"], item["kind"], item["base_url"]]
