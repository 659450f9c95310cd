"""Real Chromium before a real ``tradefree up`` with the stand-in Dify: one system for a file of tests, one browser for
all files.

The browser ends with them: while it lives, no asyncio loop can run in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from acceptance.processes import Standin, System
from console.contract import BUILT
from console.visitor import Visitor, Visits
from tradefree.testing.servers import find

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
NODES = [
    {"id": "read", "type": "http-request", "title": "读取订单 Load order", "seconds": 0.1},
    {"id": "think", "type": "llm", "title": "Think", "seconds": "{seconds}", "tokens": 100},
]
INPUTS = [{"name": "seconds", "type": "number", "required": True}, {"name": "text"}, {"name": "standin"}]
FORM = {
    "content": "Approve {{#start.text#}}?",
    "fields": [{"name": "comment", "default": "n/a"}],
    "actions": [{"id": "approve", "title": "Approve"}, {"id": "reject", "title": "Reject"}],
}
APPS = [
    {"name": "work", "key": "app-work", "inputs": INPUTS, "nodes": NODES, "text_at": "think"},
    {
        "name": "ask",
        "key": "app-ask",
        "inputs": INPUTS,
        "nodes": [{"id": "human", "type": "human-input", "title": "Approval", "form": FORM}],
        "outputs": {"decision": "{human_action}", "comment": "{human_comment}"},
    },
]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with the types ``work`` (takes ``seconds``), ``ask`` (asks a person) and ``echo``."""
    assert (BUILT / "index.html").is_file(), "the console is not built: run `make console` (it needs Node 20 or newer)"
    with ExitStack() as stack:
        folder: Path = tmp_path_factory.mktemp("console")
        standin = Standin(folder, {"apps": APPS})
        stack.callback(standin.process.kill)
        system = System(folder)
        stack.callback(lambda: system.process.kill())
        for name in ("work", "ask"):
            system.connect(name, standin.url, f"app-{name}")
            system.define(name, runner="dify.workflow", connection=name, retry={"max_attempts": 1})
        system.define("echo", runner="echo")
        yield system


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    program = find("chromium", package="chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visits(system: System, browser: Browser) -> Iterator[Visits]:
    """People who come to the console; the test fails if one of their browsers complains."""
    visits = Visits(system, browser)
    yield visits
    visits.close()


@pytest.fixture
def admin(visits: Visits) -> Visitor:
    """A person who may do everything, signed in."""
    return visits.admin()
