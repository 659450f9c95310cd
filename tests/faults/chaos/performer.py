"""A runner that writes down when it was at work, for the judge.

Workers load it by entry point. Each fact is one line, appended by one write, so that it survives whatever happens to
the process afterwards.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import orjson

from tradefree.runners import runner
from tradefree.tasks.ports import Run


@runner
async def tick(input_data: dict[str, Any], run: Run) -> dict[str, Any]:
    """Works ``seconds`` long; answers with ``n``."""
    note(run, "began")
    try:
        await asyncio.sleep(input_data["seconds"])
    except asyncio.CancelledError:
        note(run, "dropped")
        raise
    note(run, "ended")
    return {"n": input_data["n"]}


def note(run: Run, fact: str) -> None:
    """Append one fact: which attempt of which task, in which process, and when by the machine's monotonic clock."""
    line = {"fact": fact, "task": run.task_id, "attempt": run.attempt, "pid": os.getpid(), "at": time.monotonic()}
    file = os.open(Path(run.options["record"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, orjson.dumps(line) + b"\n")
    finally:
        os.close(file)
