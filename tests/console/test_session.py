"""Coming and going: keys, roles, languages, and a session that ends in the middle of work."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_a_wrong_key_is_refused_and_a_good_one_opens_the_console(visits: Visits, system: System) -> None:
    somebody = visits.somebody()
    somebody.go("/tasks?status=failed")
    somebody.sign_in("tfk_nonsense")
    expect(somebody.page.get_by_text("A good API key is needed")).to_be_visible()
    somebody.sign_in(system.key)
    expect(somebody.page.get_by_role("heading", name="Tasks")).to_be_visible()
    assert somebody.page.url.endswith("/tasks?status=failed")
    cookie = next(c for c in somebody.context.cookies() if c["name"] == "__Host-tradefree")
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert system.key not in somebody.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")


def test_who_signs_out_is_out(admin: Visitor) -> None:
    admin.go("/")
    admin.page.get_by_role("button", name="Account").click()
    admin.page.get_by_text("Sign out", exact=True).click()
    expect(admin.page.get_by_label("API key")).to_be_visible()
    admin.go("/tasks")
    expect(admin.page.get_by_label("API key")).to_be_visible()


def test_the_language_changes_at_once_and_stays(admin: Visitor) -> None:
    admin.go("/tasks")
    admin.button("中文").click()
    expect(admin.page.get_by_role("heading", name="任务")).to_be_visible()
    assert admin.page.evaluate("document.documentElement.lang") == "zh-CN"
    admin.page.reload()
    expect(admin.page.get_by_role("heading", name="任务")).to_be_visible()


def test_a_session_that_ends_takes_nothing_that_was_typed(admin: Visitor, system: System) -> None:
    admin.go("/tasks")
    admin.button("Submit a task").click()
    admin.choose("Task type", "echo")
    admin.page.get_by_label("Input (JSON)").fill('{"kept": "all of it"}')
    admin.context.clear_cookies()
    admin.button("Submit", inside=admin.page.get_by_role("dialog")).click()
    expect(admin.page.get_by_text("Your session has ended")).to_be_visible()
    admin.sign_in(system.key)
    expect(admin.page.get_by_text("Your session has ended")).to_be_hidden()
    admin.button("Submit", inside=admin.page.get_by_role("dialog")).click()
    expect(admin.page.get_by_text('"all of it"').first).to_be_visible()


def test_who_may_only_look_sees_why_the_buttons_are_off(visits: Visits, system: System) -> None:
    task = system.submit("echo", {"secret": "of the shop"})
    system.wait(task)
    viewer = visits.with_scopes("tasks:read")
    viewer.go(f"/tasks/{task}")
    expect(viewer.button("Retry")).to_be_disabled()
    expect(viewer.page.get_by_text("Hidden: your key has no right").first).to_be_visible()
    expect(viewer.page.get_by_text("of the shop")).to_have_count(0)
    expect(viewer.page.get_by_role("link", name="Limits")).to_have_count(0)


def test_who_sees_only_their_own_tasks_has_a_console_without_statistics(visits: Visits, system: System) -> None:
    other = system.submit("echo")
    own = visits.with_scopes("tasks:read", "tasks:write", own_only=True)
    own.go("/tasks")
    expect(own.page.get_by_text("No task yet.")).to_be_visible()
    own.go(f"/tasks/{other}")
    expect(own.page.get_by_text("There is no such thing (any more)")).to_be_visible()
