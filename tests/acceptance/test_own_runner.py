"""Runners of a user's own, found by entry point, as an installed package offers them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.processes import System

CODE = """
import sys, time
from tradefree.runners import runner

@runner
def word_count(input_data, run):
    run.log("info", "counting", price=1.5)
    return {"words": len(input_data["text"].split())}

@runner
def leave(input_data):
    sys.exit(3)

@runner
def sleep_on(input_data):
    time.sleep(600)

@runner
async def hold_on(input_data):
    import asyncio
    while True:
        try:
            await asyncio.sleep(600)
        except BaseException:
            pass
"""


@pytest.fixture
def system(tmp_path: Path, start_system: Callable[..., System]) -> System:
    package = tmp_path / "site"
    (package / "my_shop-1.dist-info").mkdir(parents=True)
    (package / "my_shop.py").write_text(CODE)
    (package / "my_shop-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: my-shop\nVersion: 1\n")
    names = {"word-count": "word_count", "leave": "leave", "sleep-on": "sleep_on", "hold-on": "hold_on"}
    entries = "\n".join(f"{name} = my_shop:{function}" for name, function in names.items())
    (package / "my_shop-1.dist-info" / "entry_points.txt").write_text(f"[tradefree.runners]\n{entries}\n")
    system = start_system(python_path=package, drain_timeout=0.2)
    for name in names:
        system.define(name, runner=name, retry={"max_attempts": 1})
    return system


def test_five_lines_make_a_runner(system: System) -> None:
    task = system.wait(system.submit("word-count", {"text": "never lost never twice"}))
    assert task["output_data"] == {"words": 4}
    assert "counting" in [line["message"] for line in system.log(task["id"])]


def test_a_function_that_exits_ends_its_own_task_only(system: System) -> None:
    bad = system.wait(system.submit("leave"))
    assert (bad["status"], "SystemExit" in bad["error_message"]) == ("failed", True)
    assert system.wait(system.submit("word-count", {"text": "still here"}))["status"] == "completed"


@pytest.mark.parametrize("stubborn", ["sleep-on", "hold-on"])
def test_a_function_that_will_not_end_keeps_nobody_from_stopping(system: System, stubborn: str) -> None:
    task_id = system.submit(stubborn)
    system.wait(task_id, "processing")
    assert system.process.kill(signal.SIGTERM) == 0, system.process.text()
    system.start()
    assert system.task(task_id)["attempts"][0]["outcome"] == "handed_back"
