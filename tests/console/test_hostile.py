"""Text that wants to do harm is shown, and does none; text that is too long stays smooth."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

SCRIPT = '<img src=x onerror="window.harmed = 1"><script>window.harmed = 1</script>'
TURNED = "invoice\u202egnp.exe"
COLOURED = "\u001b[31mred\u001b[0m"
LONG = "长" * 60_000


def test_hostile_text_is_shown_harmlessly(admin: Visitor, system: System) -> None:
    input_data = {SCRIPT: SCRIPT, "turned": TURNED, "coloured": COLOURED, "long": LONG}
    task = system.submit("echo", input_data, concurrency_key=SCRIPT, labels={"x": TURNED})
    system.wait(task)
    with sqlite3.connect(system.folder / "tradefree.db") as database:
        _log(database, task, [SCRIPT, TURNED, COLOURED, "x" * 60_000])
    page = admin.go(f"/tasks/{task}")
    expect(page.locator(".json-tree").first.get_by_text("onerror").first).to_be_visible()
    expect(page.locator(".sneaky", has_text="U+202E").first).to_be_visible()
    expect(page.locator(".log-line .sneaky", has_text="ESC").first).to_be_visible()
    expect(page.get_by_text("Only the beginning is shown").first).to_be_visible()
    admin.go("/tasks")
    expect(page.locator("tbody").get_by_text("onerror").first).to_be_visible()
    admin.go("/tasks?q=" + "%3Cscript%3E")
    assert page.evaluate("window.harmed") is None
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_hundred_thousand_lines_stay_smooth(admin: Visitor, system: System) -> None:
    task = system.submit("echo")
    system.wait(task)
    with sqlite3.connect(system.folder / "tradefree.db") as database:
        _log(database, task, [f"line {number}" for number in range(100_000)])
    page = admin.go(f"/tasks/{task}")
    expect(page.locator(".log-count")).to_contain_text("100,00", timeout=60_000)
    admin.button("To the end").click()
    expect(page.get_by_text("line 99999", exact=True)).to_be_visible()
    assert page.locator(".log-line").count() < 200
    page.get_by_label("Search the log").fill("line 4242")
    expect(page.locator(".log-count")).to_contain_text("11 of")


def _log(database: sqlite3.Connection, task: str, messages: list[str]) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = [(task, "info", message, now, "test", 1) for message in messages]
    database.executemany(
        "INSERT INTO task_logs (task_id, level, message, created_at, event, attempt) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
