"""Every form: usable by everybody, and what was typed into it stays when the session ends in the middle."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator, expect

from acceptance.processes import System
from console.visitor import Visitor, Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

END = """async () => {
    const session = await (await fetch('/api/v1/console/session')).json()
    const headers = {'X-CSRF-Token': session.csrf_token}
    await fetch('/api/v1/console/session?everywhere=true', {method: 'DELETE', headers})
}"""
"""Ends the session, as its owner would in another browser."""


@dataclass(frozen=True)
class Form:
    """Where a form is, what is typed into which field, and the button that sends it."""

    path: str
    open: str | None
    typed: dict[str, str]
    send: str
    chosen: dict[str, str] = field(default_factory=dict)
    stays: bool = False
    """It is still there when it has been sent."""


KEPT = "what was typed"
FORMS = {
    "submit a task": Form(
        "/tasks",
        "Submit a task",
        {"Input (JSON)": '{"a": 1}', "Concurrency key": KEPT},
        "Submit",
        {"Task type": "echo"},
    ),
    "retry with other input": Form("{task}", "Retry with other input", {"Input (JSON)": '{"a": 1}'}, "Retry"),
    "answer": Form("{question}", None, {"comment": KEPT}, "Approve"),
    "define a limit": Form("/limits", "Define a limit", {"Name": "kept", "Rate": "5/m"}, "Let it hold"),
    "change a limit": Form(
        "/limits?scope=type:echo", "Change caps", {"In flight at once": "7", "Reason": KEPT}, "Let it hold"
    ),
    "pause a limit": Form("/limits?scope=type:idle", "Pause", {"Reason": KEPT}, "Pause"),
    "a task type": Form("/task-types/idle?tab=definition", "Edit", {"Definition": '{"runner": "echo"}'}, "Save"),
    "a test run": Form(
        "/task-types/echo?tab=try", None, {"Input": '{"a": 1}', "Concurrency key": KEPT}, "Run once", stays=True
    ),
    "send an event": Form(
        "/events", "Send an event", {"Source": "/kept", "Data (JSON)": '{"a": 1}', "Event id": KEPT}, "Send", stays=True
    ),
    "a rule": Form(
        "/rules/+new", None, {"Name": "kept", "Event type": "com.example.kept", "Filter": "true"}, "Save …", stays=True
    ),
    "a webhook": Form("/webhooks", "New webhook", {"Name": "kept", "Secret": "whsec_" + 32 * "A"}, "Save"),
    "change a webhook": Form("/webhooks?name=old", "Change", {"Description": KEPT}, "Save"),
    "a schedule": Form("/schedules", "New schedule", {"Name": "kept", "Subject": KEPT}, "Save"),
    "pause a schedule": Form("/schedules?name=old", "Pause …", {"Reason": KEPT}, "Pause"),
    "a subscription": Form(
        "/callbacks", "New subscription", {"Name": "kept", "Address": "https://receiver.invalid/kept"}, "Save"
    ),
    "pause a subscription": Form("/callbacks?name=old", "Pause …", {"Reason": KEPT}, "Pause"),
    "a connection": Form(
        "/connections",
        "New connection",
        {"Name": "kept", "Base URL": "http://127.0.0.1:9/v1", "API key of the app": "app-kept"},
        "Save",
    ),
    "a key": Form("/keys", "New key", {"Name": KEPT}, "Make the key"),
}


@pytest.fixture(scope="module")
def places(system: System) -> dict[str, str]:
    """Addresses that only the system knows, and one of each thing that can be changed."""
    system.define("idle", runner="echo")
    put = {
        "schedules/old": {"every": "1h"},
        "hooks/old": {"preset": "github", "secrets": ["a-secret-of-ours"]},
        "subscriptions/old": {"url": "https://receiver.invalid/old"},
    }
    for path, body in put.items():
        system.api.put(f"/{path}", json=body).raise_for_status()
    task = system.submit("echo")
    question = system.submit("ask", {"seconds": 0, "text": "a loan"})
    system.wait(task)
    system.wait(question, "awaiting_input")
    return {"task": f"/tasks/{task}", "question": f"/tasks/{question}"}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_usable_and_keeps_what_was_typed(
    visits: Visits, system: System, places: dict[str, str], name: str
) -> None:
    form = FORMS[name]
    admin = visits.admin(theme="system")
    place = opened(admin, form, places)
    for label, text in form.typed.items():
        labelled(place, label).fill(text)
    for label, option in form.chosen.items():
        admin.choose(label, option)
    assert admin.axe_in_both_themes() == []
    admin.page.evaluate(END)
    send = admin.button(form.send, inside=place).last
    send.dispatch_event("click")  # the page may have noticed already, and ask for a key above it
    expect(admin.page.get_by_text("Your session has ended")).to_be_visible()
    admin.sign_in(system.key)
    expect(admin.page.get_by_text("Your session has ended")).to_be_hidden()
    for label, text in form.typed.items():
        expect(labelled(place, label)).to_have_value(text)
    if not form.stays:
        send.click()
        expect(labelled(place, next(iter(form.typed)))).to_be_hidden()


def opened(admin: Visitor, form: Form, places: dict[str, str]) -> Locator:
    """The form: in the topmost dialog, or on the page."""
    page = admin.go(form.path.format(**places))
    if form.open is not None:
        admin.button(form.open).click()
        if "?tab=" not in form.path:
            return page.get_by_role("dialog").last
    return page.locator("#content form").last


def labelled(place: Locator, label: str) -> Locator:
    return place.get_by_label(label, exact=True)
