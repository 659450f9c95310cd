"""A short look at a real Dify app, whatever its version and kind: ``make test-dify-live``.

It asks with ``DIFY_BASE_URL`` and ``DIFY_API_KEY``, and runs the app twice, which may cost tokens. ``DIFY_INPUTS`` (a
JSON object) are the app's inputs, with ``query`` for apps that chat; what is left out is made up from the form.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from dify.dify_runs import FakeRun
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyError
from tradefree.dify.examine import MODES, DifyEndpoints
from tradefree.dify.models import InputField
from tradefree.dify.runner import DifyRunner, dify_runners
from tradefree.errors import Failed, RunnerError
from tradefree.ids import new_id
from tradefree.tasks.attempt import STOP_UNSEEN, STOPPED
from tradefree.tasks.endpoints import Report
from tradefree.tasks.outcome import Asked
from tradefree.tasks.types import Connection

NEEDED = ("DIFY_BASE_URL", "DIFY_API_KEY")
WRONG_KEY = "app-this-is-not-a-key"


class Wrong(Exception):
    """A check that did not hold; the message says what was seen."""


def main() -> int:
    """0 if all holds, 1 if not, 2 if nothing can be asked."""
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        print(f"Set {' and '.join(missing)}: the Service API of a Dify, and the key of one of its apps. For example:")
        print("  make test-dify-live DIFY_BASE_URL=https://dify.example.com/v1 DIFY_API_KEY=app-…")
        return 2
    try:
        given = json.loads(os.environ.get("DIFY_INPUTS") or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        print('DIFY_INPUTS should be a JSON object, such as {"query": "Hello"}.')
        return 2
    connection = Connection(name="live", base_url=os.environ[NEEDED[0]], api_key=os.environ[NEEDED[1]])
    return asyncio.run(look(connection, given))


async def look(connection: Connection, given: dict[str, Any]) -> int:
    """All checks in order; the rest needs the first."""
    report = await DifyEndpoints().examine(connection, [])
    for finding in report.checks:
        print(f"  {finding.status:8}{finding.check}: {finding.detail} {finding.advice}")
    if not report.ok:
        return 1
    runner = next((runner for runner in dify_runners() if report.mode in MODES[runner.name]), None)
    if runner is None:
        print(f"  failed  no runner asks apps of kind {report.mode}")
        return 1
    inputs = {**made_up(report), **given}
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "a wrong key is refused": lambda: wrong_key(connection),
        "a run ends": lambda: a_run(runner, connection, inputs),
        "a stopped run is let go": lambda: a_stop(runner, connection, inputs),
    }
    try:
        return max([await _held(name, check) for name, check in checks.items()])
    finally:
        await runner.close()


async def _held(name: str, check: Callable[[], Awaitable[str]]) -> int:
    try:
        print(f"  ok      {name}: {await check()}")
    except (Wrong, RunnerError, DifyError) as error:
        print(f"  failed  {name}: {error}")
        return 1
    return 0


def made_up(report: Report) -> dict[str, Any]:
    """Something for each input that must be given; a chat is greeted."""
    form = [InputField(**item.model_dump()) for item in report.form or ()]
    inputs = {field.variable: _value(field) for field in form if field.required}
    return inputs if report.mode in ("workflow", "completion") else {"query": "Hello", **inputs}


def _value(field: InputField) -> Any:
    match field.kind:
        case "number":
            return 1
        case "checkbox":
            return True
        case "json_object":
            return {}
        case "select":
            return field.options[0] if field.options else "x"
        case "file" | "file-list":
            file = {"file_name": "hello.txt", "content_base64": "aGVsbG8=", "type": "document"}
            return file if field.kind == "file" else [file]
    return "Hello"[: field.max_length]


async def wrong_key(connection: Connection) -> str:
    """Dify says 401 to a key that is none."""
    async with DifyClient(connection.base_url, WRONG_KEY) as client:
        try:
            await client.info()
        except DifyError as error:
            if error.status == 401:
                return error.message
            raise Wrong(f"instead of 401: {error.message}") from None
    raise Wrong("it was taken")


async def a_run(runner: DifyRunner, connection: Connection, inputs: dict[str, Any]) -> str:
    """A run is started, named at once, and ends with a result."""
    run = FakeRun(connection, task_id=new_id(), input_data=inputs, timeout=300.0)
    done = await runner.run(run)
    if isinstance(done, Asked):
        return f"it waits for a person: {done.question}"
    if not run.saved:
        raise Wrong("it was never named")
    return f"{done.usage.total_tokens} tokens, {len(run.lines)} lines, {json.dumps(done.output)[:200]}"


async def a_stop(runner: DifyRunner, connection: Connection, inputs: dict[str, Any]) -> str:
    """A run that is told to stop as soon as it has begun, or ends first."""
    run = FakeRun(connection, task_id=new_id(), input_data=inputs, timeout=300.0)
    work = asyncio.create_task(runner.run(run))
    while not work.done() and "dify.run.started" not in run.events:  # noqa: ASYNC110 - it may end without that line
        await asyncio.sleep(0.02)
    run.cancelled = True
    seen = await runner.stop(run)
    work.cancel()
    (came,) = await asyncio.gather(work, return_exceptions=True)
    if not isinstance(came, BaseException):
        return "it ended first"
    if not (isinstance(came, Failed) and came.code in (STOPPED, STOP_UNSEEN)):
        raise Wrong(f"it ended otherwise: {came!r}")
    return str(came) if seen else f"{came} Dify may go on for a while."


if __name__ == "__main__":
    sys.exit(main())
