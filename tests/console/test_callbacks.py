"""Callbacks: a subscription, its secret shown once, a test, pause and resume, deliveries."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

AWAY = "https://receiver.invalid/hooks"
"""Nobody is there (RFC 2606)."""


def test_a_secret_is_shown_once(admin: Visitor, system: System) -> None:
    page = admin.go("/callbacks")
    admin.button("New subscription").click()
    page.get_by_label("Name").fill("shop")
    page.get_by_label("Address").fill("http://127.0.0.1/hooks")
    admin.button("Save").click()
    expect(page.locator(".ant-form-item-has-error", has=page.get_by_label("Address"))).to_contain_text("not public")
    page.get_by_label("Address").fill(AWAY)
    admin.button("Save").click()
    secret = page.get_by_role("dialog").locator("code")
    expect(secret).to_contain_text("whsec_")
    shown = secret.inner_text()
    admin.button("Close", inside=page.get_by_role("dialog")).last.click()
    expect(page.get_by_role("link", name="shop")).to_be_visible()
    expect(page.get_by_text(shown)).to_have_count(0)
    assert shown not in system.api.get("/subscriptions/shop").text
    assert admin.axe() == []


def test_test_pause_and_resume(admin: Visitor, system: System) -> None:
    system.api.put("/subscriptions/away", json={"url": AWAY}).raise_for_status()
    page = admin.go("/callbacks?name=away")
    admin.button("Send a test").click()
    expect(page.get_by_text("A test event is on its way to away")).to_be_visible()
    expect(page.locator(".section").get_by_text("subscription.test")).to_be_visible()
    admin.button("Pause …").click()
    page.get_by_label("Reason").fill("moving house")
    admin.button("Pause").last.click()
    expect(page.get_by_role("dialog").get_by_text("moving house").first).to_be_visible()
    assert system.api.get("/subscriptions/away").json()["paused"]["reason"] == "moving house"
    admin.button("Resume").click()
    page.get_by_role("tooltip").get_by_role("button", name="Resume").click()
    expect(admin.button("Pause …")).to_be_visible()
    assert system.api.get("/subscriptions/away").json()["paused"] is None
    page.reload()  # without the notice, which fades in
    expect(admin.button("Pause …")).to_be_visible()
    assert admin.axe() == []


def test_a_viewer_sees_deliveries_and_changes_nothing(visits: Visits) -> None:
    viewer = visits.with_scopes("tasks:read")
    page = viewer.go("/callbacks")
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    expect(viewer.button("New subscription")).to_be_disabled()
    expect(page.get_by_role("heading", name="Subscriptions")).to_have_count(0)
