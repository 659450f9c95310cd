"""Events, rules and webhooks: send, see what was decided, try a draft, change it, take it back."""

from __future__ import annotations

import hashlib
import hmac

import httpx
import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

HOSTILE = "<script>window.violations.push('ran')</script>\u202egpj.exe\x1b[31m"
ORDER = "com.example.order.created"


@pytest.fixture(scope="module", autouse=True)
def rules(system: System) -> None:
    """A rule for large orders, one that fails, and three orders."""
    shapes: dict[str, dict[str, object]] = {
        "large": {"filter": "event.data.amount > 100 && event.data.country == 'DE'"},
        "broken": {"input": {"id": "event.data.nowhere.deep"}},
    }
    for name, rule in shapes.items():
        body = {"event": ORDER, "task_type": "echo", **rule}
        system.api.put(f"/triggers/{name}", json=body).raise_for_status()
    for number, amount in enumerate((50, 150, 500)):
        data = {"amount": amount, "country": "DE", "note": HOSTILE}
        send(system, f"order-{number}", data)


def send(system: System, event_id: str, data: object) -> None:
    event = {"specversion": "1.0", "id": event_id, "source": "/shop", "type": ORDER, "data": data}
    headers = {"Content-Type": "application/cloudevents+json"}
    system.api.post("/events", json=event, headers=headers).raise_for_status()


def test_an_event_is_sent_and_tells_what_was_decided(admin: Visitor) -> None:
    page = admin.go("/events")
    admin.button("Send an event").click()
    page.get_by_role("dialog").get_by_label("Type", exact=True).fill(ORDER)
    page.get_by_label("Event id").fill("by-hand")
    page.get_by_label("Data (JSON)").fill('{"amount": 900, "country": "DE"}')
    admin.button("Send").click()
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("made a task large")
    expect(told).to_contain_text("failed broken")
    told.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text(ORDER)
    expect(page.get_by_text("there is no 'nowhere'")).to_be_visible()
    expect(page.locator(".conditions").first).to_contain_text("event.data.amount > 100")
    expect(page.locator(".status-completed").first).to_be_visible()
    assert admin.axe() == []


def test_filters_are_in_the_address_and_hostile_text_is_harmless(admin: Visitor) -> None:
    page = admin.go(f"/events?type={ORDER}&source=/shop")
    expect(page.get_by_text("order-0")).to_be_visible()
    assert admin.axe() == []
    page.get_by_text("order-0").click()
    expect(page.get_by_text("U+202E")).to_be_visible()
    page.go_back()
    page.get_by_role("textbox", name="Source").fill("/nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No event matches these filters.")).to_be_visible()
    assert "source=%2Fnobody" in page.url


def test_a_draft_is_tried_saved_and_taken_back(admin: Visitor, system: System) -> None:
    page = admin.go("/rules/large")
    page.get_by_label("Filter", exact=True).fill("event.data.amount > 400")
    admin.button("Try").click()
    expect(page.locator(".change-removed").first).to_contain_text("1 fewer tasks")
    page.mouse.move(0, 0)
    assert admin.axe() == []
    admin.button("Save …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("ins")).to_have_text("event.data.amount > 400")
    expect(dialog.locator(".change-removed")).to_contain_text("1 fewer tasks")
    admin.button("Save", inside=dialog).click()
    expect(page.get_by_text("Rule large is saved as version 2")).to_be_visible()
    assert system.api.get("/triggers/large").json()["filter"] == "event.data.amount > 400"
    admin.button("Undo").click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    assert system.api.get("/triggers/large").json()["filter"].startswith("event.data.amount > 100")
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_role("heading", name="Version 3")).to_be_visible()
    assert admin.axe() == []


def test_what_the_service_refuses_stands_at_its_field_and_is_kept(admin: Visitor) -> None:
    page = admin.go("/rules/+new")
    page.get_by_label("Name").fill("wrong")
    page.get_by_label("Event type").fill(ORDER)
    page.get_by_label("Filter", exact=True).fill("event.data.amount >")
    page.get_by_label("Task type").fill("echo")
    page.locator(".ant-select-item-option").get_by_text("echo", exact=True).click()
    admin.button("Try").click()
    expect(page.locator(".ant-form-item-has-error", has=page.get_by_label("Filter", exact=True))).to_be_visible()
    expect(page.get_by_label("Filter", exact=True)).to_have_value("event.data.amount >")


def test_who_may_only_look_is_told_which_right_is_missing(visits: Visits) -> None:
    viewer = visits.with_scopes("tasks:read", "events:read", "definitions:read")
    page = viewer.go("/rules")
    expect(page.get_by_role("switch").first).to_be_disabled()
    expect(viewer.button("New rule")).to_be_disabled()
    viewer.button("New rule").hover(force=True)
    expect(page.get_by_text("Your key lacks the right definitions:write")).to_be_visible()
    assert viewer.axe() == []


def test_a_webhook_is_made_and_says_what_went_wrong(admin: Visitor) -> None:
    page = admin.go("/webhooks")
    admin.button("New webhook").first.click()
    page.get_by_label("Name").fill("code")
    admin.choose("How the sender signs", "github")
    page.get_by_label("Secret", exact=True).fill("a-secret-of-ours")
    admin.button("Save").click()
    expect(page.get_by_role("link", name="code").or_(page.get_by_role("button", name="code"))).to_be_visible()
    assert _push(admin.url("/hooks/code"), b"a-secret-of-ours") == 202
    assert _push(admin.url("/hooks/code"), b"another-secret") == 401
    expect(page.get_by_text("badly signed")).to_be_visible()
    page.get_by_role("button", name="code").click()
    expect(page.get_by_text("Compare the secret here with that of the sender, and the clocks.")).to_be_visible()
    assert admin.axe() == []


def _push(url: str, secret: bytes) -> int:
    body = b'{"ref": "main"}'
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": "1"}
    return httpx.post(url, content=body, headers=headers | {"X-Hub-Signature-256": signature}).status_code
