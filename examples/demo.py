"""The main job: some thirty events of a trading company become AI tasks, run by a system of one process.

Starts ``tradefree up`` on a temporary folder and, unless DIFY_BASE_URL and DIFY_API_KEY name a real Dify, the stand-in
Dify server beside it. Ends with 0 only if every task ended as ``inputs.jsonl`` says it should.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

HERE = Path(__file__).parent
TRADEFREE = str(Path(sys.executable).with_name("tradefree"))
ENDED = ("completed", "failed", "cancelled")
NUMBERS = ("tries", "tokens", "seconds")
COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", "processing": "cyan"}
PATIENCE = 180
"""Seconds for all tasks; against the stand-in it takes about fifteen."""

console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
Doc = dict[str, Any]


async def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tradefree-demo-") as folder:
        async with dify(folder) as (dify_env, real), system(folder) as (url, key):
            environment = {**os.environ, **dify_env, "TRADEFREE_API_URL": url, "TRADEFREE_API_KEY": key}
            environment["TRADEFREE_DATABASE_URL"] = database(folder)
            await tradefree("apply", "-f", str(HERE / "tradefree.yaml"), environment=environment)
            headers = {"Authorization": f"Bearer {key}"}
            async with aiohttp.ClientSession(f"{url}/api/v1/", headers=headers) as api:
                wanted = read_inputs(real)
                tasks = await submit(api, wanted)
                await watch(api, wanted, tasks)
                await show_one(wanted, tasks, environment)
                return summary(wanted, await details(api, tasks))


def database(folder: str) -> str:
    return f"sqlite+aiosqlite:///{folder}/demo.db"


def read_inputs(real: bool) -> list[Doc]:
    lines = (HERE / "inputs.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = [json.loads(line) for line in lines]
    return [item for item in wanted if not (real and item.get("standin_only"))]


# ── the servers ─────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def dify(folder: str) -> AsyncIterator[tuple[dict[str, str], bool]]:
    """Where Dify is, and whether it is a real one."""
    base_url, key = os.environ.get("DIFY_BASE_URL"), os.environ.get("DIFY_API_KEY")
    if base_url and key:
        console.print(f"Dify: [bold]{base_url}[/bold]")
        names = ("DIFY_ORDERS_KEY", "DIFY_LISTINGS_KEY", "DIFY_SUPPORT_KEY")
        yield {name: os.environ.get(name, key) for name in names}, True
        return
    command = [TRADEFREE, "dify-standin", "--port", "0", "--ledger", f"{folder}/ledger.jsonl"]
    async with server(command, f"{folder}/dify.log", {}) as first_line:
        url = json.loads(await first_line())["url"]
        console.print(f"Dify: the stand-in server at [bold]{url}[/bold] (set DIFY_BASE_URL and DIFY_API_KEY for yours)")
        yield {"DIFY_BASE_URL": url}, False


@asynccontextmanager
async def system(folder: str) -> AsyncIterator[tuple[str, str]]:
    """``tradefree up``: its URL and the admin key that it shows at its first start."""
    environment = {"TRADEFREE_DATABASE_URL": database(folder)}
    async with server([TRADEFREE, "up", "--port", "0"], f"{folder}/tradefree.log", environment) as next_line:
        url = key = ""
        while not key:
            line = await next_line()
            url = line.split()[-1] if line.strip().startswith("service") else url
            key = line.split()[2] if line.strip().startswith("admin key") else key
        console.print(f"Tradefree: [bold]{url}[/bold] · API docs {url}/docs · one process, SQLite, in-memory broker")
        yield url, key


@asynccontextmanager
async def server(command: list[str], log: str, environment: dict[str, str]) -> AsyncIterator[Any]:
    """Start a server, hand over a function that reads its next line of output, stop it at the end."""
    with Path(log).open("w") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=errors, env={**os.environ, **environment}
        )
        assert process.stdout is not None
        output = process.stdout

        async def next_line() -> str:
            line = await asyncio.wait_for(output.readline(), 30)
            if not line:
                raise SystemExit(f"{' '.join(command)} did not start:\n{Path(log).read_text()}")
            return line.decode()

        try:
            yield next_line
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                try:
                    await asyncio.wait_for(process.wait(), 15)
                except TimeoutError:
                    process.kill()


async def tradefree(*arguments: str, environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(TRADEFREE, *arguments, env=environment)
    if await process.wait():
        raise SystemExit(f"tradefree {' '.join(arguments)} failed")


# ── the job ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def submit(api: aiohttp.ClientSession, wanted: list[Doc]) -> list[str]:
    """One HTTP request for each event, as a shop would; the ids in the order of the inputs."""
    fields = ("type", "input_data", "concurrency_key")

    async def one(number: int, item: Doc) -> str:
        body = {name: item[name] for name in fields if name in item} | {"labels": {"source": "demo"}}
        async with api.post("tasks", json=body, headers={"Idempotency-Key": f"demo-{number}"}) as answer:
            document = await answer.json()
            if answer.status != 202:
                raise SystemExit(f"submit refused: {document}")
            return str(document["id"])

    return await asyncio.gather(*(one(number, item) for number, item in enumerate(wanted)))


async def watch(api: aiohttp.ClientSession, wanted: list[Doc], ids: list[str]) -> None:
    """Show progress until all have ended; cancel what is meant to be cancelled once it runs."""
    progress = Progress(
        TextColumn("{task.description:20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[states]}"),
        TimeElapsedColumn(),
        console=console,
    )
    types = Counter(item["type"] for item in wanted)
    bars = {name: progress.add_task(name, total=number, states="") for name, number in types.items()}
    to_cancel = {id_ for id_, item in zip(ids, wanted, strict=True) if item["expect"] == "cancelled"}
    deadline = asyncio.get_running_loop().time() + PATIENCE
    with Live(progress, console=console, refresh_per_second=8):
        while True:
            tasks = await listed(api)
            for name, bar in bars.items():
                states = Counter(task["status"] for task in tasks if task["type"] == name)
                words = " ".join(f"[{COLOURS.get(s, 'dim')}]{n} {s}[/]" for s, n in sorted(states.items()))
                progress.update(bar, completed=sum(states[s] for s in ENDED), states=words)
            for task in tasks:
                if task["id"] in to_cancel and task["status"] == "processing":
                    to_cancel.discard(task["id"])
                    await api.post(f"tasks/{task['id']}/cancellation")
            if all(task["status"] in ENDED for task in tasks):
                return
            if asyncio.get_running_loop().time() > deadline:
                raise SystemExit("not all tasks ended in time")
            await asyncio.sleep(0.15)


async def listed(api: aiohttp.ClientSession) -> list[Doc]:
    async with api.get("tasks", params={"label": "source:demo", "limit": "200"}) as answer:
        answer.raise_for_status()
        return list((await answer.json())["items"])


async def details(api: aiohttp.ClientSession, ids: list[str]) -> list[Doc]:
    async def one(task_id: str) -> Doc:
        async with api.get(f"tasks/{task_id}") as answer:
            return dict(await answer.json())

    return await asyncio.gather(*(one(task_id) for task_id in ids))


# ── what came of it ─────────────────────────────────────────────────────────────────────────────────────────────────


async def show_one(wanted: list[Doc], ids: list[str], environment: dict[str, str]) -> None:
    """The log of one task: the one whose connection broke if there is one."""
    number = next((i for i, item in enumerate(wanted) if "cut_stream" in str(item)), 0)
    console.print()
    console.rule("one task, as `tradefree logs` shows it")
    await tradefree("logs", ids[number], environment=environment)


def summary(wanted: list[Doc], tasks: list[Doc]) -> int:
    """The table of all tasks; 0 if each ended as it should."""
    table = Table(title="All tasks", title_justify="left", header_style="bold")
    for name in ("type", "about", "status", "tries", "tokens", "seconds", "as expected"):
        table.add_column(name, justify="right" if name in NUMBERS else "left", no_wrap=name != "about")
    wrong = 0
    for item, task in zip(wanted, tasks, strict=True):
        problem = unexpected(item, task)
        wrong += problem is not None
        status = task["status"]
        table.add_row(
            task["type"],
            about(item, task),
            f"[{COLOURS.get(status, '')}]{status}[/]",
            str(sum(attempt["outcome"] != "deferred" for attempt in task["attempts"])),
            str(sum(attempt["usage"]["total_tokens"] or 0 for attempt in task["attempts"]) or ""),
            f"{sum(attempt['usage']['elapsed'] or 0 for attempt in task['attempts']):.1f}",
            "[green]✓[/]" if problem is None else f"[red]✗ {problem}[/]",
        )
    console.print(table)
    if wrong:
        console.print(f"[red]{wrong} of {len(tasks)} tasks did not end as expected.[/red]")
    else:
        console.print(f"[green]All {len(tasks)} tasks ended as expected.[/green]")
    return 1 if wrong else 0


def unexpected(item: Doc, task: Doc) -> str | None:
    """What differs from the example's word, or None."""
    if task["status"] != item["expect"]:
        return f"should be {item['expect']}: {task['error_message'] or ''}"
    if item["expect"] == "failed" and not task["error_message"]:
        return "failed without a reason"
    if item.get("retried") and task["failures"] < 1:
        return "should have been retried"
    if item.get("deferred") and (task["deferrals"] < 1 or task["failures"]):
        return "should have been deferred, without a failure"
    return None


def about(item: Doc, task: Doc) -> str:
    if item.get("why"):
        return f"[dim]{item['why']}[/dim]" + (f" — {task['error_message']}" if task["status"] == "failed" else "")
    data = item["input_data"]
    text = data.get("order_id") or data.get("title") or data.get("message") or ""
    output = task.get("output_data") or {}
    result = output.get("title_en") or output.get("attention") or output.get("category") or ""
    return f"{text[:24]} → {str(result)[:44]}"


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
