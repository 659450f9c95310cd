"""``submit``: one task, or one for each line of a file."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.exits import ExitCode, lost, note
from tradefree.cli.inputs import read_input
from tradefree.cli.options import ApiKey, AsJson, Url, label, seconds
from tradefree.cli.session import call
from tradefree.errors import ServiceUnavailable

if TYPE_CHECKING:
    from tradefree.cli.bulk import Tally
    from tradefree.cli.client import Client

_TASK = "The task"


def _duration(flag: str, text: str) -> Any:
    return typer.Option(flag, parser=seconds, metavar="DURATION", help=text, rich_help_panel=_TASK)


def submit(
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="Name of a task type; see `tradefree types`.")],
    input_text: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="The input: JSON, @FILE, or - for stdin.")
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One input per line, one task each; - for stdin. Safe to run again."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end; exit code 1 if it is not `completed`.")
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="Concurrency key: limits per key count by it.", rich_help_panel=_TASK)
    ] = None,
    priority: Annotated[
        int | None, typer.Option(min=-100, max=100, help="Higher runs earlier.", rich_help_panel=_TASK)
    ] = None,
    delay: Annotated[float | None, _duration("--delay", "Start no sooner than this: 30s, 10m, 2h.")] = None,
    expires_in: Annotated[float | None, _duration("--expires-in", "Fail it if not started by then.")] = None,
    timeout: Annotated[float | None, _duration("--timeout", "Time one attempt may take.")] = None,
    max_attempts: Annotated[
        int | None, typer.Option(min=1, max=100, help="Attempts in all.", rich_help_panel=_TASK)
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME=VALUE", help="To find it by; may be repeated.", rich_help_panel=_TASK),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            help="The same key twice makes one task. With --jsonl: what all keys begin with.", rich_help_panel=_TASK
        ),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Submit a task, or one for each line of a file.

    \b
    tradefree submit summarize-order --input '{"order_id": "SO-1042"}' --wait
    tradefree submit translate-listing --input @listing.json --label shop=shenzhen
    tradefree submit triage-message --jsonl messages.jsonl
    """
    if jsonl is not None and input_text is not None:
        raise typer.BadParameter("give either --input or --jsonl, not both")
    said = {
        "type": type_name,
        "concurrency_key": key,
        "priority": priority,
        "delay": delay,
        "expires_in": expires_in,
        "timeout": timeout,
        "max_attempts": max_attempts,
        "labels": dict(label(text).split("=", 1) for text in labels or ()),
    }
    options = {name: value for name, value in said.items() if value not in (None, {})}
    if jsonl is not None:
        _many(url, api_key, jsonl, options, idempotency_key or "jsonl", wait=wait, as_json=as_json)
    else:
        _one(url, api_key, options, input_text, idempotency_key, wait=wait, as_json=as_json)


def _one(
    url: str | None,
    api_key: str | None,
    options: dict[str, Any],
    input_text: str | None,
    idempotency_key: str | None,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    if input_text is not None:
        options["input_data"] = read_input(input_text)

    async def work(client: Client) -> dict[str, Any]:
        task: dict[str, Any] = await client.submit(options, idempotency_key or f"cli-{uuid.uuid4()}")
        return await _awaited(client, task["id"]) if wait else task

    task = call(url, api_key, work)
    if as_json:
        render.document(task)
    elif wait:
        _show_end(task)
    else:
        render.table([("id", "text"), ("status", "status")], [[task["id"], task["status"]]])
    if wait and task["status"] != "completed":
        raise typer.Exit(ExitCode.UNHAPPY)


async def _awaited(client: Client, task_id: str) -> dict[str, Any]:
    from tradefree.client.stream import final_status

    try:
        await final_status(client, task_id, on_lost=lost)
        task: dict[str, Any] = await client.get(f"/tasks/{task_id}", tries=5)
    except (asyncio.CancelledError, ServiceUnavailable):
        note(f"The task goes on; look at it with: tradefree show {task_id}")
        raise
    return task


def _show_end(task: dict[str, Any]) -> None:
    if not render.on_terminal():
        result = task["output_data"] if task["status"] == "completed" else task["error_message"]
        render.table([("id", "text"), ("status", "status"), ("result", "text")], [[task["id"], task["status"], result]])
        return
    took = words.between(task["created_at"], task["finished_at"])
    render.details(
        [
            ("id", "text", task["id"]),
            ("status", "status", task["status"]),
            ("took", "span", took),
            ("error", "text", task["error_message"]),
        ]
    )
    if task["output_data"] is not None:
        render.payload("output", task["output_data"])


def _many(
    url: str | None,
    api_key: str | None,
    path: Path,
    options: dict[str, Any],
    salt: str,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    from tradefree.cli.progress import lines_of, waiting

    async def work(client: Client) -> tuple[Tally, dict[str, int]]:
        from tradefree.cli.bulk import submit_lines

        with lines_of(path) as (lines, progress):
            tally = await submit_lines(client, lines, options, salt=salt, progress=progress)
        return tally, await waiting(client, tally.ids) if wait else {}

    tally, ended = call(url, api_key, work)
    _report(tally, ended, as_json=as_json)
    if tally.rejected:
        raise typer.Exit(ExitCode.REFUSED)
    if any(count for status, count in ended.items() if status != "completed"):
        raise typer.Exit(ExitCode.UNHAPPY)


MOST_COMPLAINTS = 20
"""Refused lines that are told one by one."""


def _report(tally: Tally, ended: dict[str, int], *, as_json: bool) -> None:
    counts = {"accepted": tally.accepted, "replayed": tally.replayed, "rejected": len(tally.rejected)}
    if as_json:
        errors = [{"line": line, "reason": reason} for line, reason in tally.rejected]
        render.document({**counts, "ids": tally.ids, "errors": errors, **({"by_status": ended} if ended else {})})
    else:
        render.details([(name, "number", count) for name, count in counts.items()])
        render.details([(name, "number", count) for name, count in sorted(ended.items())])
    for line, reason in tally.rejected[:MOST_COMPLAINTS]:
        note(f"line {line}: {reason}")
    if len(tally.rejected) > MOST_COMPLAINTS:
        note(f"… and {len(tally.rejected) - MOST_COMPLAINTS} more")
    if tally.replayed:
        note(f"{words.plural(tally.replayed, 'task')} had been submitted before; nothing was submitted twice.")
