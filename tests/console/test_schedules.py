"""Schedules: made with the next runs in sight, paused, resumed, their runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_a_schedule_is_made_while_one_sees_when_it_would_run(admin: Visitor, system: System) -> None:
    page = admin.go("/schedules")
    admin.button("New schedule").click()
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("Cron expression").fill("61 * * * *")
    expect(page.get_by_text("The service refuses this")).to_be_visible()
    page.get_by_label("Cron expression").fill("0 8 * * mon-fri")
    expect(page.get_by_text("at 08:00, on Monday–Friday")).to_be_visible()
    expect(page.locator(".would .next-runs li")).to_have_count(5)
    assert admin.axe() == []
    admin.button("Save").click()
    expect(page.get_by_role("link", name="nightly")).to_be_visible()
    assert system.api.get("/schedules/nightly").json()["cron"] == "0 8 * * mon-fri"


def test_pause_with_a_reason_and_take_it_back(admin: Visitor, system: System) -> None:
    system.api.put("/schedules/often", json={"every": "1s", "overlap": "skip"}).raise_for_status()
    page = admin.go("/schedules?name=often")
    drawer = page.get_by_role("dialog").first
    expect(drawer.get_by_text("raised").first).to_be_visible()
    admin.button("Pause …").click()
    page.get_by_label("Reason").fill("the shop is being moved")
    admin.button("Pause").last.click()
    expect(drawer.get_by_text("the shop is being moved")).to_be_visible()
    assert system.api.get("/schedules/often").json()["state"] == "paused"
    admin.button("Undo").click()
    expect(admin.button("Pause …")).to_be_visible()
    assert system.api.get("/schedules/often").json()["state"] == "active"
    assert admin.axe() == []
