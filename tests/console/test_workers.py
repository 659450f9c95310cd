"""Workers: who performs tasks, who serves the queues, and letting one end."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core


def test_workers_and_queues_that_nobody_serves(admin: Visitor, system: System) -> None:
    system.define("lonely", runner="echo", queue="nobody")
    system.submit("lonely")
    page = admin.go("/workers")
    expect(page.locator(".worker-live")).to_have_text("live")
    expect(page.get_by_text("no worker serves it")).to_be_visible()
    expect(page.get_by_text("tradefree worker --queues nobody")).to_be_visible()
    assert admin.axe() == []


def test_what_draining_does_is_said_and_a_refusal_shown(admin: Visitor) -> None:
    page = admin.go("/workers")
    admin.button("Drain").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("It gets no more tasks from now on.")
    admin.button("Drain", inside=asked).click()
    expect(asked.get_by_role("alert")).to_contain_text("part of the service's own process")
