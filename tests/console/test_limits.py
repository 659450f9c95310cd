"""Limits: what holds, a change with what it will do, and the way back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_a_limit_is_changed_and_taken_back(admin: Visitor, system: System) -> None:
    page = admin.go("/limits?kind=type")
    expect(page.get_by_role("link", name="work", exact=True)).to_be_visible()
    assert admin.axe() == []
    page.get_by_role("link", name="echo", exact=True).click()
    admin.button("Change caps").click()
    change = page.get_by_role("dialog", name="Change type:echo")
    expect(admin.button("Let it hold", inside=change)).to_be_disabled()
    change.get_by_label("In flight at once").fill("3")
    change.get_by_text("1 hour").click()
    change.get_by_label("Reason").fill("the model is slow")
    expect(change.get_by_role("status")).to_contain_text("In flight at once: no limit → 3")
    expect(change.get_by_role("status")).to_contain_text("It comes back by itself at")
    assert admin.axe() == []
    admin.button("Let it hold", inside=change).click()
    notice = page.locator(".ant-notification-notice", has_text="type:echo was changed")
    expect(notice).to_be_visible()
    held = system.api.get("/limits/type:echo").json()
    assert (held["max_running"], held["override"]["reason"]) == (3, "the model is slow")
    assert held["override"]["until"] is not None
    admin.button("Undo", inside=notice).click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    assert system.api.get("/limits/type:echo").json()["override"] is None


def test_what_a_pause_does_is_said_before(admin: Visitor, system: System) -> None:
    page = admin.go("/limits?scope=type:work")
    admin.button("Pause").click()
    pause = page.get_by_role("dialog", name="Pause type:work")
    expect(pause.get_by_role("status")).to_contain_text("Nothing more starts.")
    admin.button("Pause", inside=pause).click()
    expect(page.locator(".ant-drawer .limit-paused")).to_be_visible()
    assert system.api.get("/limits/type:work").json()["mode"] == "paused"
    admin.button("Open again").click()
    admin.button("Open again", inside=page.get_by_role("dialog", name="Open type:work again")).click()
    expect(page.locator(".ant-drawer .limit-open")).to_be_visible()


def test_a_refused_limit_keeps_what_was_typed(admin: Visitor) -> None:
    page = admin.go("/limits")
    admin.button("Define a limit").click()
    define = page.get_by_role("dialog", name="Define a limit")
    define.get_by_label("Name").fill("Not a name")
    define.get_by_label("Rate").fill("often")
    admin.button("Let it hold", inside=define).click()
    expect(define).to_contain_text("Lower-case letters")
    expect(define).to_contain_text("Write starts per period")
    expect(define.get_by_label("Name")).to_have_value("Not a name")


def test_without_the_right_it_is_named(visits: Visits) -> None:
    page = visits.with_scopes("definitions:read", "tasks:read").go("/limits?scope=type:echo")
    expect(page.get_by_text("Your key lacks the right definitions:write")).to_be_visible()
    expect(page.get_by_role("button", name="Change caps")).to_be_disabled()
