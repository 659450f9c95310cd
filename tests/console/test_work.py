"""An operator's day: submit, follow, retry, cancel, answer, find, act on many."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Route, expect

from acceptance.processes import System
from console.visitor import Visitor
from waiting import wait_for

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

OLDER = re.compile(r"/api/v1/tasks\?.*cursor=")
"""A request for another page of the list."""


def test_submit_and_follow_to_the_end(admin: Visitor) -> None:
    page = admin.go("/tasks")
    admin.button("Submit a task").click()
    admin.choose("Task type", "work")
    page.get_by_label("Input (JSON)").fill('{"seconds": 1, "text": "订单"')
    admin.button("Submit", inside=admin.page.get_by_role("dialog")).click()
    expect(page.get_by_text("Not JSON:")).to_be_visible()
    page.get_by_label("Input (JSON)").fill('{"seconds": 1, "text": "订单"}')
    admin.button("Submit", inside=admin.page.get_by_role("dialog")).click()
    expect(page.locator("h1 .status")).to_have_text("completed")
    expect(page.locator(".step", has_text="Think")).to_contain_text("100 Tokens")
    expect(page.locator(".log-line", has_text="Completed after")).to_be_visible()
    expect(page.get_by_text("waited for its turn")).to_be_visible()


def test_what_the_service_refuses_stands_at_its_field(admin: Visitor) -> None:
    page = admin.go("/tasks")
    admin.button("Submit a task").click()
    admin.choose("Task type", "echo")
    page.get_by_label("Delay").fill("soon")
    admin.button("Submit", inside=admin.page.get_by_role("dialog")).click()
    expect(page.locator(".ant-form-item", has=page.get_by_label("Delay"))).to_contain_text("such as 30s")
    expect(page.get_by_label("Delay")).to_have_value("soon")


def test_retry_with_other_input(admin: Visitor, system: System) -> None:
    task = system.submit("work", {"seconds": 0, "standin": json.dumps({"fail": {"error": "no model"}})})
    system.wait(task, "failed")
    page = admin.go(f"/tasks/{task}")
    expect(page.get_by_role("alert")).to_contain_text("no model")
    admin.button("Retry with other input").click()
    page.get_by_label("Input (JSON)").fill('{"seconds": 0}')
    admin.button("Retry", inside=page.get_by_role("dialog")).click()
    expect(page.locator("h1 .status")).to_have_text("completed")
    assert system.task(task)["input_data"] == {"seconds": 0}


def test_cancel_what_runs(admin: Visitor, system: System) -> None:
    task = system.submit("work", {"seconds": 60})
    system.wait(task, "processing")
    page = admin.go(f"/tasks/{task}")
    admin.button("Cancel the task").click()
    admin.button("Cancel it").click()
    expect(page.locator("h1 .status")).to_have_text("cancelled")
    assert system.task(task)["status"] == "cancelled"


def test_answer_what_a_task_asks(admin: Visitor, system: System) -> None:
    task = system.submit("ask", {"seconds": 0, "text": "a loan"})
    system.wait(task, "awaiting_input")
    page = admin.go(f"/tasks/{task}")
    expect(page.get_by_text("Approve a loan?")).to_be_visible()
    page.get_by_label("comment").fill("ok by me")
    admin.button("Approve").click()
    expect(page.locator("h1 .status")).to_have_text("completed")
    assert system.task(task)["output_data"] == {"decision": "approve", "comment": "ok by me"}


def test_a_task_that_waits_says_why(admin: Visitor, system: System) -> None:
    system.api.put("/limits/type:echo/mode", json={"mode": "paused", "reason": "the shop moves"})
    task = system.submit("echo")
    page = admin.go(f"/tasks/{task}")
    expect(page.get_by_text("Why it waits")).to_be_visible()
    expect(page.get_by_text("the shop moves")).to_be_visible()
    system.api.put("/limits/type:echo/mode", json={"mode": "open"})
    expect(page.locator("h1 .status")).to_have_text("completed")


def test_a_wait_that_is_over_is_split_by_what_held_the_task(admin: Visitor, system: System) -> None:
    system.api.put("/limits/type:echo/mode", json={"mode": "paused", "reason": "stocktaking"}).raise_for_status()
    try:
        task = system.submit("echo", {"a": 1})
        wait_for(lambda: held_for(system, task, "paused") >= 2, "it to be seen held")
    finally:
        system.api.put("/limits/type:echo/mode", json={"mode": "open"}).raise_for_status()
    system.wait(task, "completed")
    page = admin.go(f"/tasks/{task}")
    expect(page.get_by_role("heading", name="What it waited for")).to_be_visible()
    expect(page.locator(".holds li").first).to_contain_text("paused")
    expect(page.locator(".time-bar .phaseHeld")).to_be_visible()
    assert admin.axe() == []
    page.locator(".holds").get_by_role("link", name="type:echo").click()
    expect(page).to_have_url(re.compile(r"/limits\?scope=type"))


def held_for(system: System, task: str, kind: str) -> float:
    """How many seconds a task has waited for something of this kind."""
    totals = system.api.get(f"/tasks/{task}/waits").json()["totals"]
    return float(sum(total["seconds"] for total in totals if total["kind"] == kind))


def test_filters_live_in_the_address(admin: Visitor, system: System) -> None:
    wanted = system.submit("echo", concurrency_key="客户 7", labels={"shop": "深圳"})
    system.wait(wanted)
    page = admin.go("/tasks")
    page.get_by_role("combobox", name="Concurrency key").fill("客户 7")
    page.keyboard.press("Enter")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="failed").click()
    expect(page.get_by_text("No task matches these filters.")).to_be_visible()
    page.go_back()
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(1)
    expect(page.get_by_role("combobox", name="Concurrency key")).to_have_value("客户 7")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text(wanted)).to_be_visible()


def test_the_list_is_live_and_can_be_paused(admin: Visitor, system: System) -> None:
    page = admin.go("/tasks?key=live")
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(page.get_by_text("No task matches these filters.")).to_be_visible()
    system.submit("echo", concurrency_key="live")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    admin.button("Pause").click()
    system.submit("echo", concurrency_key="live")
    expect(page.get_by_text("changes since").or_(page.get_by_text("change since"))).to_be_visible()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(rows).to_have_count(2)


def test_pages_of_a_long_list(admin: Visitor, system: System) -> None:
    system.api.post("/tasks/batch", json=[{"type": "echo", "concurrency_key": "many"} for _ in range(120)])
    page = admin.go("/tasks?key=many")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(50)
    held: list[Route] = []
    page.route(OLDER, lambda route: held.append(route), times=1)
    with page.expect_request(OLDER):
        admin.button("Older").click()
    expect(admin.button("Newer")).to_be_visible()
    expect(admin.button("Older")).to_be_disabled()  # it would lead to the same page again
    held[0].continue_()
    admin.button("Older").click()
    expect(rows).to_have_count(20)
    expect(page.get_by_text("That is all.")).to_be_visible()
    admin.button("Newest").click()
    expect(rows).to_have_count(50)


def test_retry_all_that_match(admin: Visitor, system: System) -> None:
    fails = {"seconds": 0, "standin": json.dumps({"fail": {"error": "no model"}})}
    tasks = [system.submit("work", fails, concurrency_key="bulk") for _ in range(3)]
    for task in tasks:
        system.wait(task, "failed")
    page = admin.go("/tasks?status=failed&key=bulk")
    admin.button("Act on all").click()
    expect(page.get_by_role("dialog").get_by_text("3 tasks match")).to_be_visible()
    admin.button("Retry", inside=page.get_by_role("dialog")).click()
    expect(page.get_by_text("3 of 3 tasks changed")).to_be_visible()
    assert all(system.wait(task)["attempt_count"] == 2 for task in tasks)


def test_a_view_is_saved(admin: Visitor) -> None:
    page = admin.go("/tasks?status=failed&key=mine")
    admin.button("Views").click()
    page.get_by_label("Name of the view").fill("我的失败")
    admin.button("Save what is shown").click()
    admin.go("/tasks")
    admin.button("Views").click()
    page.get_by_role("link", name="我的失败").click()
    expect(page).to_have_url(admin.url("/tasks?status=failed&key=mine"))
