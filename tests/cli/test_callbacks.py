"""``callbacks``: what is asked of the service, and how it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.conftest import Cli, rows
from cli.service_double import OTHER_ID, TASK_ID, Answer, ServiceDouble, ok, problem, task
from tradefree.cli.exits import ExitCode

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def subscription(name: str = "shop", **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "url": "https://shop.example.com/hook",
        "description": "",
        "task_types": [],
        "statuses": [],
        "labels": {},
        "paused": None,
        "failures": 0,
        "failing_since": None,
        "last_success_at": None,
        "last_failure_at": None,
        "last_error": None,
        "old_secret_until": None,
        **values,
    }


def delivery(**values: Any) -> dict[str, Any]:
    return {
        "id": TASK_ID,
        "task_id": OTHER_ID,
        "subscription": "shop",
        "host": None,
        "event": "ai.tradefree.task.completed",
        "status": "scheduled",
        "attempt_count": 2,
        "next_attempt_at": "2026-01-31T08:00:20Z",
        "error_code": "http_500",
        "error_message": "The receiver answered 500.",
        "created_at": "2026-01-31T08:00:00Z",
        "finished_at": None,
        **values,
    }


DELIVERY = [
    TASK_ID,
    "scheduled",
    "2",
    "shop",
    "ai.tradefree.task.completed",
    OTHER_ID,
    "2026-01-31T08:00:00+00:00",
    "2026-01-31T08:00:20+00:00",
    "The receiver answered 500.",
]


def test_all_of_them(cli: Cli, service: ServiceDouble) -> None:
    paused = {"by": "system", "at": "2026-01-31T08:00:00Z", "reason": "it failed"}
    items = [
        subscription(task_types=["a", "b*"], statuses=["completed"], labels={"shop": "de"}),
        subscription("old", paused=paused, failures=20, last_error="No.", last_success_at="2026-01-31T08:00:00Z"),
        subscription("weak", failures=1, last_error="No."),
    ]
    service.on("GET", "/subscriptions", ok({"items": items}))
    assert json.loads(cli("callbacks", "list", "--json").stdout) == {"items": items}
    url = "https://shop.example.com/hook"
    assert rows(cli("callbacks", "list")) == [
        ["shop", "open", "0", "", url, "a, b*", "completed", "shop=de", ""],
        ["old", "paused", "20", "2026-01-31T08:00:00+00:00", url, "", "", "", "by system: it failed"],
        ["weak", "open", "1", "", url, "", "", "", "No."],
    ]


def test_a_new_one_and_its_secret(cli: Cli, service: ServiceDouble) -> None:
    service.on("PUT", "/subscriptions/shop", ok({**subscription(), "secret": SECRET}, 201))
    made = cli(
        *("callbacks", "add", "shop", "https://shop.example.com/hook", "--type", "a", "--type", "b*"),
        *("--status", "completed", "--label", "shop=de", "--description", "why"),
    )
    assert rows(made) == [["name", "shop"], ["secret", SECRET]]
    assert "never shown again" in made.stderr
    (asked,) = service.all("/subscriptions/shop")
    assert asked.json == {
        "url": "https://shop.example.com/hook",
        "description": "why",
        "task_types": ["a", "b*"],
        "statuses": ["completed"],
        "labels": {"shop": "de"},
    }


def test_one_that_was_there_keeps_its_secret(cli: Cli, service: ServiceDouble) -> None:
    service.on("PUT", "/subscriptions/shop", ok({**subscription(), "secret": None}))
    made = cli("callbacks", "add", "shop", "https://shop.example.com/hook")
    assert "never shown again" not in made.stderr


def test_delete(cli: Cli, service: ServiceDouble) -> None:
    service.on("DELETE", "/subscriptions/shop", Answer(204))
    assert rows(cli("callbacks", "delete", "shop")) == [["deleted", "shop"]]
    assert json.loads(cli("callbacks", "delete", "shop", "--json").stdout) == {"name": "shop", "deleted": True}


def test_pause_and_resume(cli: Cli, service: ServiceDouble) -> None:
    paused = {"by": "ann", "at": "2026-01-31T08:00:00Z", "reason": "it moves"}
    service.on("PUT", "/subscriptions/shop/pause", ok(subscription(paused=paused)))
    service.on("DELETE", "/subscriptions/shop/pause", ok(subscription()))
    assert rows(cli("callbacks", "pause", "shop", "--reason", "it moves"))[0][1] == "paused"
    assert rows(cli("callbacks", "resume", "shop"))[0][1] == "open"
    put, _ = service.all("/subscriptions/shop/pause")
    assert put.json == {"reason": "it moves"}


def test_a_test(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/subscriptions/shop/tests", ok(delivery(), 202))
    assert rows(cli("callbacks", "test", "shop")) == [DELIVERY]


def test_rotation(cli: Cli, service: ServiceDouble) -> None:
    new = {"secret": SECRET, "old_secret_until": "2026-01-31T08:00:00Z"}
    service.on("POST", "/subscriptions/shop/secrets", ok(new))
    shown = [["secret", SECRET], ["old one until", "2026-01-31T08:00:00+00:00"]]
    assert rows(cli("callbacks", "rotate", "shop", "--keep", "1h")) == shown
    (asked,) = service.all("/subscriptions/shop/secrets")
    assert asked.json == {"keep": "1h"}


@pytest.mark.parametrize(("options", "method"), [((), "GET"), (("--rotate",), "POST")])
def test_the_installations_secret(cli: Cli, service: ServiceDouble, options: tuple[str, ...], method: str) -> None:
    service.on(method, "/callback-secret", ok({"secret": SECRET, "old_secret_until": None}))
    assert rows(cli("callbacks", "secret", *options))[0] == ["secret", SECRET]
    (asked,) = service.all("/callback-secret")
    assert asked.method == method


def test_deliveries(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/tasks", ok({"items": [task(id=OTHER_ID)], "next_cursor": None}))
    page = {"items": [delivery(), delivery(subscription=None, host="x.example.com")], "next_cursor": None}
    service.on("GET", "/deliveries", ok(page))
    shown = rows(cli("callbacks", "deliveries", "--subscription", "shop", "--status", "failed", "--task", OTHER_ID))
    assert [row[3] for row in shown] == ["shop", "x.example.com"]
    assert shown[0] == DELIVERY
    (asked,) = service.all("/deliveries")
    assert asked.query == [("limit", "50"), ("status", "failed"), ("subscription", "shop"), ("task", OTHER_ID)]


def test_what_is_not_there(cli: Cli, service: ServiceDouble) -> None:
    service.on("DELETE", "/subscriptions/shop", problem(404, "no subscription 'shop'"))
    assert "no subscription" in cli("callbacks", "delete", "shop", code=ExitCode.NOT_FOUND).stderr


def test_show_tells_who_was_told(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(task(waiting=None, attempts=[], deliveries=[delivery()])))
    assert "The receiver answered 500." in cli("show", TASK_ID).stdout
