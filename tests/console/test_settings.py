"""Settings: this browser, the session's rights, what runs here."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_what_runs_here_without_secrets(admin: Visitor, system: System) -> None:
    page = admin.go("/settings?q=database")
    expect(page.get_by_text("SQLite 3")).to_be_visible()
    expect(page.locator("tr", has_text="TRADEFREE_DATABASE_URL")).to_contain_text("sqlite")
    expect(page.locator("tr", has_text="TRADEFREE_LOG_LEVEL")).to_have_count(0)
    assert system.key not in page.content()
    assert admin.axe() == []


def test_language_and_appearance_are_kept(admin: Visitor) -> None:
    page = admin.go("/settings")
    page.get_by_text("Dark", exact=True).click()
    page.locator(".ant-segmented-item", has_text="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
    assert admin.axe() == []
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_rights_of_the_session_are_listed(visits: Visits) -> None:
    page = visits.with_scopes("tasks:read").go("/settings")
    expect(page.locator(".setting-have")).to_have_count(1)
    expect(page.get_by_text("Your key lacks the right admin")).to_be_visible()
