"""Logs of all tasks: followed, filtered, begun at a moment, downloaded; of any length in a few rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor
from waiting import wait_for

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_follow_filter_and_open_a_line(admin: Visitor, system: System) -> None:
    page = admin.go("/logs")
    expect(page.get_by_label("Follow")).to_be_checked()
    task = system.submit("echo", {"a": 1})
    system.wait(task, "completed")
    mine = page.locator(".log-line", has=page.get_by_title(task))
    expect(mine.filter(has_text="Accepted.")).to_be_visible()
    expect(mine.filter(has_text="Completed after")).to_be_visible()
    page.get_by_label("Text in the message").fill("ACCEPTED")
    page.keyboard.press("Enter")
    expect(mine).to_have_count(1)
    mine.get_by_role("button").click()
    expect(page.locator(".log-data")).to_contain_text("task.accepted")
    assert "text=ACCEPTED" in page.url
    assert admin.axe() == []


def test_a_search_that_finds_nothing_says_so(admin: Visitor) -> None:
    page = admin.go("/logs?text=no-such-words&level=error")
    expect(page.get_by_text("No line matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".log-line").first).to_be_visible()


def test_many_lines_are_few_rows_and_older_ones_come(admin: Visitor, system: System) -> None:
    submit_many(system, 500)
    page = admin.go("/logs?level=debug")
    expect(page.locator(".log-line").first).to_be_visible()  # at the end: at the top older ones come by themselves
    page.get_by_label("Follow").uncheck()
    box = page.get_by_role("log")
    height = box.evaluate("box => box.scrollHeight")
    assert height > 20_000
    page.get_by_role("button", name="Older lines").click()
    page.wait_for_function("height => document.querySelector('[role=log]').scrollHeight > height", arg=height)
    assert page.locator(".log-line").count() < 100
    box.evaluate("box => box.scrollTo(0, box.scrollHeight / 2)")
    expect(page.locator(".log-line").first).to_be_visible()
    assert page.locator(".log-line").count() < 100


def test_a_moment_to_begin_at(admin: Visitor, system: System) -> None:
    submit_many(system, 30)
    task = system.submit("echo", {"a": 2})
    system.wait(task, "completed")
    submit_many(system, 30)
    moment = system.task(task)["created_at"]
    with admin.page.expect_request(lambda asked: "order=newest" in asked.url and "/logs" in asked.url):
        page = admin.go(f"/logs?at={moment}")
    accepted = page.locator(".log-line", has=page.get_by_title(task)).filter(has_text="Accepted.")
    expect(page.locator(".log-line").first).not_to_have_text(accepted.inner_text())  # older ones came before it
    expect(accepted).to_be_in_viewport()
    page.get_by_role("button", name="To the end").first.click()
    expect(page.get_by_label("Follow")).to_be_checked()


def test_who_does_not_follow_is_told_that_there_is_more(admin: Visitor, system: System) -> None:
    submit_many(system, 30)
    page = admin.go("/logs")
    expect(page.locator(".log-line").first).to_be_visible()
    page.get_by_label("Follow").uncheck()
    newer = page.get_by_role("button", name="Newer lines")
    expect(newer).to_be_hidden()
    shown = page.locator(".log .quiet .number").first
    before = shown.inner_text()
    submit_many(system, 1)
    newer.click()
    expect(shown).not_to_have_text(before)
    expect(newer).to_be_hidden()


def submit_many(system: System, count: int) -> None:
    """Submit tasks that end at once, and wait until they have."""
    batch = [{"type": "echo", "input_data": {"n": number}} for number in range(count)]
    before = completed(system)
    system.api.post("/tasks/batch", json=batch).raise_for_status()
    wait_for(lambda: completed(system) >= before + count, "all to complete")


def completed(system: System) -> int:
    """How many tasks have completed so far."""
    return int(system.api.get("/stats").json()["by_status"].get("completed", 0))


def test_download(admin: Visitor, tmp_path: Path) -> None:
    page = admin.go("/logs?text=Accepted")
    admin.button("Download").click()
    expect(page.get_by_text("No time is chosen")).to_be_visible()
    with page.expect_download() as download:
        admin.button("Download", inside=page.get_by_role("dialog")).click()
    target = tmp_path / "logs.ndjson"
    download.value.save_as(target)
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert lines
    assert {line["message"] for line in lines} == {"Accepted."}
