"""The console without a mouse: search, pages, lists, what has the focus."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

LISTS = {
    "/tasks": "/tasks/",
    "/events": "/events/",
    "/rules": "/rules/",
    "/schedules": "/schedules?name=",
    "/webhooks": "/webhooks?name=",
    "/callbacks": "/callbacks?name=",
    "/connections": "/connections?name=",
    "/limits": "/limits?scope=",
    "/task-types": "/task-types/",
}
"""Every page with a list of things to open, and where its first row leads."""


@pytest.fixture(scope="module", autouse=True)
def things(system: System) -> None:
    """One or two of each thing that is listed."""
    system.wait(system.submit("echo"))
    things = {
        "schedules/hourly": {"every": "1h"},
        "schedules/daily": {"every": "1d"},
        "hooks/code": {"preset": "github", "secrets": ["a-secret-of-ours"]},
        "subscriptions/shop": {"url": "https://receiver.invalid/shop"},
        "triggers/orders": {"event": "order", "task_type": "echo"},
    }
    for path, body in things.items():
        system.api.put(f"/{path}", json=body).raise_for_status()
    event = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "order"}
    headers = {"Content-Type": "application/cloudevents+json"}
    system.api.post("/events", json=event, headers=headers).raise_for_status()


def test_keys_lead_through_every_list(admin: Visitor) -> None:
    for path, opened in LISTS.items():
        page = admin.go(path)
        rows = page.locator(".opens")
        expect(rows.first).to_be_visible()
        for key in "jjjjkkkkk":
            page.keyboard.press(key)
        expect(rows.first).to_have_class("opens chosen")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(rf"{re.escape(opened)}."))


def test_enter_does_what_has_the_focus_and_not_what_is_chosen(admin: Visitor) -> None:
    page = admin.go("/schedules")
    expect(page.locator(".opens")).to_have_count(2)
    page.keyboard.press("j")
    admin.button("New schedule").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="New schedule")).to_be_visible()


def test_search_pages_pause_and_help(admin: Visitor) -> None:
    page = admin.go("/schedules")
    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Find tasks")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Events")).to_be_visible()
    expect(page.locator("tbody tr").first).to_be_visible()  # a list has keys once it is there
    page.keyboard.press("p")
    expect(admin.button("Resume")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Next in the list")
