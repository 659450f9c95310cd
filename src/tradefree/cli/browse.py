"""``tasks`` and ``show``: finding tasks and looking at one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.answer import show_question
from tradefree.cli.callbacks import DELIVERIES, delivery
from tradefree.cli.filters import Filters
from tradefree.cli.options import (
    After,
    ApiKey,
    AsJson,
    Before,
    FinishedAfter,
    FinishedBefore,
    KeyFilter,
    LabelFilter,
    Query,
    Statuses,
    TaskId,
    Types,
    Url,
)
from tradefree.cli.session import call
from tradefree.clock import SystemClock

if TYPE_CHECKING:
    from tradefree.cli.client import Client

Document = dict[str, Any]

PAGE = 200
"""Tasks asked for at once: the most a service gives."""

TASKS: render.Columns = (
    ("id", "text"),
    ("type", "text"),
    ("status", "status"),
    ("tries", "number"),
    ("created", "moment"),
    ("took", "span"),
    ("key", "text"),
    ("labels", "text"),
    ("error", "text"),
)
ATTEMPTS: render.Columns = (
    ("attempt", "number"),
    ("outcome", "status"),
    ("started", "moment"),
    ("took", "span"),
    ("tokens", "number"),
    ("error", "text"),
)


def tasks(
    status: Statuses = None,
    type_name: Types = None,
    key: KeyFilter = None,
    label: LabelFilter = None,
    q: Query = None,
    after: After = None,
    before: Before = None,
    finished_after: FinishedAfter = None,
    finished_before: FinishedBefore = None,
    limit: Annotated[int, typer.Option(min=1, help="Tasks to show.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Show all that match, however many.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Find tasks, newest first.

    \b
    tradefree tasks --status failed --after 2h
    tradefree tasks --label shop=shenzhen --all | cut -f1
    """
    params = Filters(status, type_name, key, label, q, after, before, finished_after, finished_before).params()
    most = None if everything else limit
    piped = not as_json and not render.on_terminal()
    found: list[Document] = []

    def keep(page: list[Document]) -> None:
        if piped:
            render.table(TASKS, [_row(task) for task in page])  # as they come: there may be very many
        else:
            found.extend(page)

    cursor = call(url, api_key, lambda client: _pages(client, params, most, keep))
    if as_json:
        render.document({"items": found, "next_cursor": cursor})
    elif not piped:
        render.table(TASKS, [_row(task) for task in found], empty="No task matches.")
        if cursor:
            render.console().print(f"There are more; --limit {2 * limit} or --all shows them.", style="bright_black")


async def _pages(
    client: Client, params: list[tuple[str, str]], most: int | None, keep: Callable[[list[Document]], None]
) -> str | None:
    """Hand pages out until there are no more or ``most`` tasks were there; the cursor to read on with."""
    left = most
    cursor: str | None = None
    while left is None or left > 0:
        more = [("limit", str(min(PAGE, left or PAGE))), *([("cursor", cursor)] if cursor else [])]
        page = await client.get("/tasks", [*params, *more])
        keep(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return None
        if left is not None:
            left -= len(page["items"])
    return cursor


def _row(task: Document) -> list[Any]:
    return [
        task["id"],
        task["type"],
        task["status"],
        task["attempt_count"],
        task["created_at"],
        took(task),
        task["concurrency_key"],
        words.labels(task["labels"]),
        task["error_message"],
    ]


def took(task: Document) -> float | None:
    """Seconds from the latest start to the end, or until now."""
    if task["status"] == "processing":
        return words.between(task["started_at"], SystemClock().now().isoformat())
    return words.between(task["started_at"], task["finished_at"])


def show(task_id: TaskId, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Show one task: status, times, attempts, input and output.

    \b
    tradefree show 019bdf3c-5a6e
    tradefree show 019bdf3c-5a6e --json | jq .output_data
    """

    async def work(client: Client) -> Document:
        from tradefree.cli.resolve import resolve

        found = await resolve(client, task_id)
        task: Document = await client.get(f"/tasks/{found}")
        if task["attempts"] and not as_json:
            task["waited"] = (await client.get(f"/tasks/{found}/waits"))["totals"]
        return task

    task = call(url, api_key, work)
    if as_json:
        render.document(task)
        return
    render.details(_facts(task))
    _waiting(task)
    if not render.on_terminal():
        payloads = [(name, task[f"{name}_data"]) for name in ("input", "output")]
        question = [("question", task["question"])] if task.get("question") else []
        render.details([(name, "text", value) for name, value in [*payloads, *question]])
        return
    if task["attempts"]:
        render.console().print()
        render.table(ATTEMPTS, [_attempt(attempt) for attempt in task["attempts"]])
    if task.get("deliveries"):
        render.console().print()
        render.table(DELIVERIES, [delivery(item) for item in task["deliveries"]])
    if task.get("question"):
        show_question(task["question"], task["answer_by"])
    _payloads(task)


def _payloads(task: Document) -> None:
    if task["payloads_hidden"]:
        render.console().print("\nInput and output are hidden: the API key has no scope payloads:read.")
        return
    for name in ("input", "output"):
        if task[f"{name}_data"] is not None:
            render.console().print()
            render.payload(name, task[f"{name}_data"])


def _waiting(task: Document) -> None:
    """Why it does not start."""
    waiting = task["waiting"]
    if waiting is None:
        return
    lines: list[tuple[str, render.Kind, Any]] = [("waits", "text", hold["message"]) for hold in waiting["holds"]]
    for hold in waiting["holds"]:
        if hold["held_by"]:
            held = ", ".join(f"{name} ({number})" for name, number in hold["held_by"].items())
            lines.append((f"in {hold['scope']}", "text", held))
    if waiting["ahead"] is not None:
        ahead = "1000+" if waiting["ahead"] >= 1000 else str(waiting["ahead"])
        lines.append(("before it in its lane", "text", ahead))
    render.details(lines)


def _facts(task: Document) -> list[tuple[str, render.Kind, Any]]:
    return [
        ("id", "text", task["id"]),
        ("type", "text", task["type"]),
        ("status", "status", task["status"]),
        ("error", "text", task["error_message"]),
        ("error code", "text", task["error_code"]),
        ("created", "moment", task["created_at"]),
        ("not before", "moment", task["run_at"] if task["status"] == "scheduled" else None),
        ("expires", "moment", task["expires_at"]),
        ("started", "moment", task["started_at"]),
        ("finished", "moment", task["finished_at"]),
        ("cancel asked for", "moment", task["cancel_requested_at"]),
        ("took", "span", took(task)),
        ("waited for", "text", _waited(task)),
        ("attempts", "number", task["attempt_count"]),
        ("failures", "number", task["failures"] or None),
        ("crashes", "number", task["crashes"] or None),
        ("deferrals", "number", task["deferrals"] or None),
        ("concurrency key", "text", task["concurrency_key"]),
        ("priority", "number", task["priority"] or None),
        ("labels", "text", words.labels(task["labels"])),
        ("timeout", "span", task["timeout"]),
        ("max attempts", "number", task["max_attempts"]),
        ("event", "text", task.get("event_id")),
        ("worker", "text", task["worker_id"]),
        ("output clipped", "text", _clipped(task)),
        ("upstream", "text", _upstream(task)),
    ]


def _upstream(task: Document) -> str | None:
    """What the upstream calls the latest attempt that reached it."""
    told: Document = next((attempt["upstream"] for attempt in task["attempts"][::-1] if attempt.get("upstream")), {})
    return words.labels({name: str(value) for name, value in told.items()}) if told else None


def _waited(task: Document) -> str | None:
    """What held it for a second or longer, the longest first."""
    long = [one for one in task.get("waited", ()) if one["seconds"] >= 1]
    return ", ".join(f"{one['scope']} ({one['kind']}) {words.span(one['seconds'])}" for one in long) or None


def _clipped(task: Document) -> str | None:
    whole = task.get("output_clipped")
    return f"the whole has {whole['bytes']} bytes, sha256 {whole['sha256']}" if whole else None


def _attempt(attempt: Document) -> list[Any]:
    tokens = (attempt["usage"] or {}).get("total_tokens")
    spent = words.between(attempt["started_at"], attempt["finished_at"])
    outcome = attempt["outcome"] or "processing"
    return [attempt["number"], outcome, attempt["started_at"], spent, tokens, attempt["error_message"]]
