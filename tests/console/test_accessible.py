"""Every page is usable by everybody, as far as axe can tell, in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.contract import CONSOLE
from console.visitor import Visits

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

PATHS = re.findall(r"path: '(/[^':]*)'", (CONSOLE / "src" / "pages.tsx").read_text())
"""Of every page that needs no id."""


@pytest.fixture(scope="module")
def tasks(system: System) -> list[str]:
    """One task of each kind that looks different."""
    done = system.submit("work", {"seconds": 0}, labels={"shop": "sz"}, concurrency_key="C-7")
    asks = system.submit("ask", {"seconds": 0, "text": "a loan"})
    later = system.submit("echo", delay="1h")
    system.wait(done)
    system.wait(asks, "awaiting_input")
    return [done, asks, later]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_sign_in(visits: Visits, theme: str) -> None:
    somebody = visits.somebody(theme=theme)
    somebody.go("/")
    expect(somebody.page.get_by_label("API key")).to_be_visible()
    assert somebody.axe() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("tasks")
def test_pages(visits: Visits, path: str, theme: str) -> None:
    admin = visits.admin(theme=theme)
    page = admin.go(path)
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("load")
    expect(page.locator(".ant-skeleton")).to_have_count(0)
    assert admin.axe() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tasks_of_every_kind(visits: Visits, tasks: list[str], theme: str) -> None:
    admin = visits.admin(theme=theme)
    for task in tasks:
        page = admin.go(f"/tasks/{task}")
        expect(page.locator(".log-line").first).to_be_visible()
        assert admin.axe() == []
