"""Filters: what is typed is completed, ends are asked for, and charts and reasons lead to what they speak of."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from acceptance.processes import System
from console.visitor import Visitor, Visits
from waiting import wait_for

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core
ODD = "a/b?c#d%2F&e=f+ 客 \u202eg"


def option(page: Page, text: str) -> None:
    """Take what is offered."""
    page.locator(".ant-select-dropdown:visible .ant-select-item-option", has_text=text).last.click()


def test_a_key_is_completed_as_it_is_typed(admin: Visitor, system: System) -> None:
    for key in ("客户 7", "客户 71", "客 8"):
        system.wait(system.submit("echo", concurrency_key=key))
    page = admin.go("/tasks")
    field = page.get_by_role("combobox", name="Concurrency key")
    field.fill("客户")
    offered = page.locator(".ant-select-dropdown:visible .ant-select-item-option")
    expect(offered).to_have_text(["客户", "客户 71", "客户 7"])
    expect(field).to_have_attribute("aria-activedescendant", re.compile("_0$"))  # names none for a moment
    assert admin.axe() == []
    option(page, "客户 71")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(field).to_have_value("客户 71")
    field.fill("客户 7")  # Enter keeps what is typed, not what is offered
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("key=%E5%AE%A2%E6%88%B7\\+7$"))


def test_a_label_is_completed_by_name_and_value(admin: Visitor, system: System) -> None:
    system.wait(system.submit("echo", labels={"shop": "深圳", "shift": "\u202elate"}))
    page = admin.go("/tasks")
    field = page.get_by_role("combobox", name="Label")
    field.fill("SH")
    option(page, "shift:")
    expect(field).to_have_value("shift:")
    option(page, "U+202Elate")
    expect(page.locator("tbody tr")).to_have_count(1)
    field.fill("shop:")
    option(page, "shop:深圳")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "label=shift%3A%E2%80%AElate&label=shop%3A%E6%B7%B1%E5%9C%B3" in page.url
    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(admin.url("/tasks"))


def test_tasks_are_found_by_their_end(admin: Visitor, system: System) -> None:
    system.wait(system.submit("echo", concurrency_key="by its end"))
    page = admin.go("/tasks?key=by+its+end&ended_last=15m")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("combobox", name="Ended").click()
    option(page, "Between")
    page.get_by_label("Ended until").fill("2020-01-01T00:00:00")
    expect(page.get_by_text("No task matches these filters.")).to_be_visible()
    admin.button("Act on all").click()
    expect(page.get_by_role("dialog")).to_contain_text("Ended until")


def test_a_bar_leads_to_the_tasks_that_ended_then(admin: Visitor, system: System) -> None:
    task = system.submit("work", {"seconds": 0})
    system.wait(task, "completed")
    asked = {"type": "work"}
    wait_for(lambda: system.api.get("/stats/series", params=asked).json()["by_type"], "the sums")
    page = admin.go("/?type=work")  # one bar, however many minutes the other tests took
    chart = page.get_by_role("img", name="tasks were accepted")
    expect(chart).to_be_visible()
    size = chart.bounding_box()
    assert size is not None
    for back in range(10, int(size["width"]), 4):
        chart.click(position={"x": size["width"] - back, "y": size["height"] - 30})
        if "/tasks" in page.url:
            break
    assert "ended_after=" in page.url
    assert "status=completed" in page.url
    expect(page.locator(f'tbody a[href$="{task}"]')).to_be_visible()


def test_the_scope_that_holds_a_task_is_found_whatever_its_key(admin: Visitor, system: System) -> None:
    scope = f"lane:echo/{ODD}"
    task = system.submit("echo", concurrency_key=ODD)
    system.wait(task)
    paused = {"mode": "paused", "reason": "odd"}
    system.api.put("/limits/type:echo/mode", json={"mode": "paused", "reason": "first"})
    waits = system.submit("echo", concurrency_key=ODD)
    system.api.put(f"/limits/{quote(scope, safe='')}/mode", json=paused).raise_for_status()
    system.api.put("/limits/type:echo/mode", json={"mode": "open"})
    page = admin.go(f"/tasks/{waits}")
    page.locator(".holds a", has_text="lane:echo/").click()
    expect(page.locator(".ant-drawer .limit-paused")).to_be_visible()
    expect(page.locator(".ant-drawer-title")).to_contain_text("a/b?c#d%2F&e=f+ 客 U+202Eg")
    admin.button("Open again").click()
    admin.button("Open again", inside=page.get_by_role("dialog").last).click()
    system.wait(waits)


def test_what_waits_leads_to_its_limit(admin: Visitor, system: System) -> None:
    system.api.put("/limits/type:echo/mode", json={"mode": "paused", "reason": "the shop moves"})
    task = system.submit("echo")
    page = admin.go("/")
    page.get_by_role("link", name="type:echo", exact=True).click()
    expect(page.locator(".ant-drawer .limit-paused")).to_be_visible()
    system.api.put("/limits/type:echo/mode", json={"mode": "open"})
    system.wait(task)


def test_a_key_that_sees_its_own_tasks_is_told_so(visits: Visits, system: System) -> None:
    somebody = visits.with_scopes("tasks:read", "tasks:write", own_only=True)
    page = somebody.go("/")
    expect(page.get_by_text("Your key sees only the tasks that it submitted itself.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert somebody.axe() == []
    page.get_by_role("button", name="Your tasks").click()
    expect(page.get_by_text("No task yet.")).to_be_visible()
    assert "/tasks" in page.url
