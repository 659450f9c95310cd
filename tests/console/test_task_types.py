"""Task types: a form made of the schema, a test run, and the definition edited."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")  # one after the other: a browser takes a core

SCHEMA = {
    "type": "object",
    "required": ["order"],
    "properties": {
        "order": {"type": "string", "pattern": "^SO-", "description": "Begins with SO-"},
        "amount": {"type": "number", "minimum": 0},
        "currency": {"enum": ["CNY", "USD"]},
        "gift": {"type": "boolean"},
        "address": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def system(system: System) -> System:
    system.define("order", runner="echo", input_schema=SCHEMA, description="<script>alert(1)</script>")
    return system


def test_a_test_run_by_the_schemas_form(admin: Visitor, system: System) -> None:
    page = admin.go("/task-types")
    page.get_by_role("link", name="order", exact=True).click()
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    page.get_by_role("tab", name="Test run").click()
    admin.button("Run once").click()
    expect(page.get_by_text("Is required")).to_be_visible()
    page.get_by_label("order", exact=True).fill("SO-1")
    page.get_by_label("amount").fill("2.5")
    page.get_by_label("gift").check()
    assert admin.axe() == []
    admin.button("Run once").click()
    expect(page.locator(".status-completed")).to_be_visible()
    expect(page.locator(".json-tree")).to_contain_text('order: "SO-1"')
    page.get_by_role("link", name="Open the task").click()
    expect(page).to_have_url(re.compile(r"/tasks/[^/?]+$"))
    task = system.task(page.url.rsplit("/", 1)[-1])
    assert task["input_data"] == {"order": "SO-1", "amount": 2.5, "gift": True}
    assert task["labels"] == {"test": "console"}


def test_the_form_and_json_are_two_views_of_one_input(admin: Visitor) -> None:
    page = admin.go("/task-types/order?tab=try")
    page.get_by_label("order", exact=True).fill("SO-2")
    page.get_by_text("JSON", exact=True).click()
    text = page.locator("textarea")
    expect(text).to_have_value('{\n  "order": "SO-2"\n}')
    text.fill('{"order": "XX", "more": 1}')
    admin.button("Run once").click()
    expect(page.get_by_role("alert").first).to_contain_text("input_data/order")
    expect(text).to_have_value('{"order": "XX", "more": 1}')


def test_a_definition_is_edited_with_its_differences_and_taken_back(admin: Visitor, system: System) -> None:
    page = admin.go("/task-types/order?tab=definition")
    admin.button("Edit").click()
    text = page.locator("textarea")
    text.fill(text.input_value().replace('"timeout": 600', '"timeout": 60'))
    expect(page.locator(".differences")).to_contain_text("timeout60060")
    admin.button("Save").click()
    notice = page.locator(".ant-notification-notice", has_text="order was changed")
    expect(notice).to_be_visible()
    assert system.api.get("/task-types/order").json()["timeout"] == 60
    admin.button("Undo", inside=notice).click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    assert system.api.get("/task-types/order").json()["timeout"] == 600


def test_statistics(admin: Visitor) -> None:
    page = admin.go("/task-types/order?tab=statistics")
    expect(page.get_by_role("tabpanel", name="Statistics")).to_be_visible()
    assert admin.axe() == []
