"""Workers: who performs tasks, who serves the queues, and letting one end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from acceptance.processes import System
from broker.running import Running, ended
from console.visitor import Visitor, Visits
from private_servers import redis_url

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


@dataclass
class Distributed:
    """A system of several processes, as its visitors know it."""

    api: httpx.Client
    key: str


def test_a_worker_that_is_drained_finishes_what_it_has_and_is_gone(tmp_path: Path, browser: Browser) -> None:
    with Running(tmp_path, redis_url(), drain_timeout=0) as running:
        running.prepare()
        running.service()
        running.define("work", options={"delay": "3s"})
        worker = running.worker(10)
        task = running.submit("work")
        running.wait(task, "processing")
        visits = Visits(Distributed(running.api, running.api_key), browser)
        admin = visits.admin()
        page = admin.go("/workers")
        admin.button("Drain").click()
        admin.button("Drain", inside=page.get_by_role("dialog")).click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.get_by_text(re.compile("drains$"))).to_be_visible()
        assert ended(worker) == 0
        assert running.wait(task)["attempt_count"] == 1
        expect(page.locator(".worker-live, .worker-draining")).to_have_count(0)
        page.get_by_label("Show 1 that left or was lost").click()
        expect(page.locator(".worker-state")).to_have_text("has left")
        visits.close()
