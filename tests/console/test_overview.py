"""The overview: what happened, what waits, and the way from there to the tasks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor
from waiting import wait_for

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_numbers_lead_to_their_tasks(admin: Visitor, system: System) -> None:
    for _ in range(3):
        system.wait(system.submit("work", {"seconds": 0}))
    wait_for(lambda: sum(point["completed"] for point in _points(system)) == 3, "the sums")
    page = admin.go("/")
    tile = page.locator(".tile", has_text="completed")
    expect(tile).to_contain_text("3")
    expect(page.get_by_role("img", name="3 completed, 0 failed")).to_be_visible()
    expect(page.locator("tbody tr", has_text="work")).to_contain_text("3")
    tile.click()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert "status=completed" in page.url


def test_what_waits_says_why(admin: Visitor, system: System) -> None:
    system.api.put("/limits/type:echo/mode", json={"mode": "paused", "reason": "the shop moves"})
    system.submit("echo")
    page = admin.go("/")
    expect(page.get_by_text("the shop moves")).to_be_visible()
    page.get_by_role("link", name="1 task", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_time_range_stays_in_the_address(admin: Visitor) -> None:
    page = admin.go("/")
    page.get_by_text("24 h", exact=True).click()
    expect(page.get_by_role("radio", name="24 h")).to_be_checked()
    page.reload()
    expect(page.get_by_role("radio", name="24 h")).to_be_checked()


def _points(system: System) -> list[dict[str, int]]:
    return list(system.api.get("/stats/series").json()["points"])
