"""API keys: made with what they will be able to do, shown once, revoked."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_a_key_is_made_shown_once_and_revoked(admin: Visitor, system: System, visits: Visits) -> None:
    page = admin.go("/keys")
    admin.button("New key").click()
    form = page.get_by_role("dialog", name="New key")
    admin.button("Make the key", inside=form).click()
    expect(form).to_contain_text("Give a name")
    form.get_by_label("Name").fill("a <b>shop</b>")
    form.get_by_text("Submitter").click()
    expect(form.get_by_role("status")).to_contain_text("submit, cancel, retry tasks")
    assert admin.axe() == []
    admin.button("Make the key", inside=form).click()
    secret = page.locator(".key-fresh").inner_text()
    admin.button("I have kept it").click()
    expect(page.locator("body")).not_to_contain_text(secret)
    row = page.locator("tr", has_text="a <b>shop</b>")
    expect(row).to_contain_text("Submitter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert admin.axe() == []
    submitter = visits.with_key(secret).go("/tasks")
    expect(submitter.get_by_role("link", name="Tasks")).to_be_visible()
    expect(submitter.get_by_role("link", name="API keys")).to_have_count(0)
    admin.button("Revoke", inside=row).click()
    admin.button("Revoke", inside=page.get_by_role("dialog")).click()
    expect(row).to_contain_text("revoked")
    keys = {key["name"]: key for key in system.api.get("/api-keys").json()["items"]}
    assert keys["a <b>shop</b>"]["revoked_at"] is not None


def test_without_the_right_it_is_named(visits: Visits) -> None:
    page = visits.with_scopes("tasks:read").go("/keys")
    expect(page.get_by_role("alert")).to_contain_text("admin")
