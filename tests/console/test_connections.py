"""Connections: a check, an edit that keeps the secret, and another address that takes it again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_a_connection_is_checked(admin: Visitor) -> None:
    page = admin.go("/connections")
    assert admin.axe() == []
    page.get_by_role("link", name="work", exact=True).click()
    admin.button("Check").click()
    expect(page.get_by_text("All is well")).to_be_visible()
    expect(page.locator(".checks")).to_contain_text("is accepted")
    assert admin.axe() == []


def test_the_secret_is_kept_and_asked_again_for_another_address(admin: Visitor, system: System) -> None:
    page = admin.go("/connections?name=ask")
    admin.button("Edit").click()
    form = page.get_by_role("dialog", name="Edit ask")
    form.get_by_label("In flight at once").fill("7")
    expect(form.locator(".differences")).to_contain_text("max_running")
    admin.button("Save", inside=form).click()
    notice = page.locator(".ant-notification-notice", has_text="ask was saved")
    expect(notice).to_be_visible()
    assert system.api.get("/connections/ask").json()["max_running"] == 7
    admin.button("Undo", inside=notice).click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    assert system.api.get("/connections/ask").json()["max_running"] is None
    assert system.api.post("/connections/ask/check").json()["ok"]
    admin.button("Edit").click()
    form.get_by_label("Base URL").fill("http://127.0.0.1:9/v1")
    expect(form).to_contain_text("Another address takes the key again")
    admin.button("Save", inside=form).click()
    expect(form).to_contain_text("Give the key")


def test_one_that_is_used_cannot_be_deleted(admin: Visitor) -> None:
    page = admin.go("/connections?name=work")
    admin.button("Delete").click()
    asked = page.get_by_role("dialog", name="Delete work?")
    admin.button("Delete", inside=asked).click()
    expect(asked.get_by_role("alert")).to_be_visible()
