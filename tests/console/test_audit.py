"""The audit trail: found by what was done, with before and after."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_who_changed_what(admin: Visitor, system: System) -> None:
    change = {"max_running": 3, "reason": "<img src=x>"}
    system.api.patch("/limits/type:echo", json=change).raise_for_status()
    page = admin.go("/audit?action=limit.*")
    row = page.locator("tbody tr", has_text="type:echo")
    expect(row).to_contain_text("<img src=x>")
    expect(page.locator("tbody")).not_to_contain_text("session.start")
    assert admin.axe() == []
    admin.button("limit.change", inside=row).click()
    expect(page.locator(".differences")).to_contain_text("values")
    assert admin.axe() == []
    page.get_by_role("link", name="All changes of this").click()
    expect(page).to_have_url(admin.url("/audit?target=type%3Aecho"))
    expect(page.locator("tbody tr").first).to_contain_text("type:echo")


def test_without_the_right_it_is_named(visits: Visits) -> None:
    page = visits.with_scopes("tasks:read").go("/audit")
    expect(page.get_by_role("alert")).to_contain_text("admin")
