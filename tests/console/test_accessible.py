"""Every page is usable by everybody, as far as axe can tell, in both themes, and fits on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.contract import CONSOLE
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

PATHS = re.findall(r"path: '(/[^':]*)'", (CONSOLE / "src" / "pages.tsx").read_text())
"""Of every page that needs no id."""


ABOVE = ".ant-drawer, .ant-modal, .ant-popover"
"""What lies above a page, which is looked at itself by another test."""
DRAWERS = [
    "/limits?scope=type:work",
    "/connections?name=work",
    "/schedules?name=hourly",
    "/webhooks?name=code",
    "/callbacks?name=shop",
]
"""With a drawer open."""
ASKS = {
    "/schedules?name=hourly": "Delete",
    "/webhooks?name=code": "Delete",
    "/callbacks?name=shop": "Delete",
    "/connections?name=work": "Delete",
    "/rules/orders": "Delete",
    "/task-types/echo?tab=definition": "Delete",
    "/workers": "Drain",
    "/keys": "Revoke",
    "/callbacks": "Secret of callback_url",
}
"""Where a button asks before it acts."""


@pytest.fixture(scope="module")
def things(system: System) -> None:
    """One of each thing that pages show."""
    things = {
        "schedules/hourly": {"every": "1h"},
        "hooks/code": {"preset": "github", "secrets": ["a-secret-of-ours"]},
        "subscriptions/shop": {"url": "https://receiver.invalid/shop"},
        "triggers/orders": {"event": "order", "filter": "event.data.amount > 1", "task_type": "echo"},
    }
    for path, body in things.items():
        system.api.put(f"/{path}", json=body).raise_for_status()
    for amount in (1, 2):
        event = {
            "specversion": "1.0",
            "id": f"e{amount}",
            "source": "/shop",
            "type": "order",
            "data": {"amount": amount},
        }
        headers = {"Content-Type": "application/cloudevents+json"}
        system.api.post("/events", json=event, headers=headers).raise_for_status()
    system.api.post("/api-keys", json={"name": "another", "scopes": ["tasks:read"]}).raise_for_status()


@pytest.fixture(scope="module")
def tasks(system: System) -> list[str]:
    """One task of each kind that looks different."""
    done = system.submit("work", {"seconds": 0}, labels={"shop": "sz"}, concurrency_key="C-7")
    asks = system.submit("ask", {"seconds": 0, "text": "a loan"})
    later = system.submit("echo", delay="1h")
    system.wait(done)
    system.wait(asks, "awaiting_input")
    return [done, asks, later]


def test_sign_in(visits: Visits) -> None:
    somebody = visits.somebody(theme="system")
    somebody.go("/")
    expect(somebody.page.get_by_label("API key")).to_be_visible()
    assert somebody.axe_in_both_themes() == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("tasks", "things")
def test_pages(visits: Visits, path: str) -> None:
    admin = visits.admin(theme="system")
    arrived(admin, path)
    assert admin.axe_in_both_themes() == []


def test_tasks_of_every_kind(visits: Visits, tasks: list[str]) -> None:
    admin = visits.admin(theme="system")
    for task in tasks:
        page = admin.go(f"/tasks/{task}")
        expect(page.locator(".log-line").first).to_be_visible()
        assert admin.axe_in_both_themes() == []


@pytest.mark.usefixtures("things")
def test_drawers(visits: Visits) -> None:
    admin = visits.admin(theme="system")
    for path in DRAWERS:
        arrived(admin, path)
        expect(admin.page.get_by_role("dialog").get_by_role("button").nth(1)).to_be_visible()
        assert admin.axe_in_both_themes(ABOVE) == [], path


@pytest.mark.usefixtures("things")
def test_what_is_asked_before_something_is_done(visits: Visits) -> None:
    admin = visits.admin(theme="system")
    for path, button in ASKS.items():
        arrived(admin, path)
        asked = admin.page.get_by_role("dialog").or_(admin.page.get_by_role("tooltip"))
        before = asked.count()
        admin.button(button).first.click()
        expect(asked).to_have_count(before + 1)
        assert admin.axe_in_both_themes(ABOVE) == [], path


@pytest.mark.usefixtures("things")
def test_a_rule_with_what_it_would_do(visits: Visits) -> None:
    admin = visits.admin(theme="system")
    arrived(admin, "/rules/orders")
    admin.button("Try").click()
    expect(admin.page.locator(".tried-head")).to_have_count(2)
    assert admin.axe_in_both_themes() == []
    for tab in ("Decisions", "Versions"):
        admin.page.get_by_role("tab", name=tab).click()
        expect(admin.page.locator(".ant-skeleton")).to_have_count(0)
        assert admin.axe_in_both_themes() == [], tab


@pytest.mark.usefixtures("tasks", "things")
def test_on_a_phone_nothing_needs_sideways_scrolling(visits: Visits) -> None:
    admin = visits.admin(theme="system")
    admin.page.set_viewport_size({"width": 390, "height": 800})
    for path in (*PATHS, *DRAWERS):
        arrived(admin, path)
        assert admin.page.evaluate(WIDER) == [], path
    arrived(admin, "/schedules")
    assert admin.axe_in_both_themes() == []


WIDER = """() => [document.documentElement, ...document.querySelectorAll('.table-box, .ant-drawer-body')]
    .filter(box => box.scrollWidth > box.clientWidth).map(box => box.className)"""
"""What is wider than its place."""


def arrived(admin: Visitor, path: str) -> None:
    """The page is there, whole."""
    page = admin.go(path)
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("load")
    expect(page.locator(".ant-skeleton")).to_have_count(0)
