"""A look at a connection: each thing that may be wrong has its own sentence, and the key is in none of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dify.dify_replay import KEY
from tradefree.dify.examine import DifyEndpoints
from tradefree.dify.wire import Timeouts
from tradefree.tasks.endpoints import Finding, Report
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.dify_standin import App, Config, DifyStandin, InputField, Node

FORM = [InputField(name="query", required=True, max_length=99), InputField(name="tone", type="select", options=["a"])]


async def look(base_url: str, *users: TaskType, key: str = KEY) -> Report:
    report = await DifyEndpoints(Timeouts(connect=2, answer=0.3)).examine(
        Connection(name="bot", base_url=base_url, api_key=key), users
    )
    assert key not in report.model_dump_json()
    return report


def user(runner: str = "dify.workflow", name: str = "sum-up", **options: Any) -> TaskType:
    return TaskType(name=name, runner=runner, connection="bot", options=options)


def failed(report: Report) -> Finding:
    """The one thing that failed; what comes after it was not looked at."""
    assert not report.ok
    at = [finding.status for finding in report.checks].index("failed")
    assert {finding.status for finding in report.checks[:at]} <= {"ok"}
    return report.checks[at]


def skipped(report: Report) -> set[str]:
    return {finding.check for finding in report.checks if finding.status == "skipped"}


@pytest.fixture
async def standin() -> AsyncIterator[DifyStandin]:
    node = Node(id="think", title="Think")
    modes = ("workflow", "chat", "advanced-chat", "agent-chat", "completion")
    apps = [App(name=mode, mode=mode, key=f"app-{mode}", nodes=[node], inputs=FORM) for mode in modes]
    apps += [
        App(name="draft", key="app-draft", nodes=[node], published=False),
        App(name="off", key="app-off", nodes=[node], enabled=False),
    ]
    async with DifyStandin(Config(apps=apps)) as server:
        yield server


RIGHT = [
    ("workflow", "dify.workflow"),
    ("chat", "dify.chat"),
    ("advanced-chat", "dify.chat"),
    ("agent-chat", "dify.chat"),
    ("completion", "dify.completion"),
]


@pytest.mark.parametrize(("mode", "runner"), RIGHT)
async def test_the_right_kind_of_app(standin: DifyStandin, mode: str, runner: str) -> None:
    report = await look(standin.base_url, user(runner), key=f"app-{mode}")
    assert [(finding.check, finding.status) for finding in report.checks] == [
        (check, "ok") for check in ("address", "key", "app", "published", "form")
    ]
    assert (report.ok, report.app, report.mode, report.server_version) == (True, mode, mode, "1.14.2")
    assert report.form is not None
    assert [(field.variable, field.required, field.max_length) for field in report.form] == [
        ("query", True, 99),
        ("tone", False, None),
    ]


@pytest.mark.parametrize(("mode", "right"), RIGHT)
async def test_the_wrong_kind_of_app(standin: DifyStandin, mode: str, right: str) -> None:
    wrong = "dify.chat" if right != "dify.chat" else "dify.workflow"
    report = await look(standin.base_url, user(right, "good"), user(wrong, "bad"), key=f"app-{mode}")
    finding = failed(report)
    assert finding.check == "app"
    assert f"is of kind {mode}, but bad has the runner {wrong}" in finding.detail
    assert finding.advice.startswith(f"Set the runner of bad to {right}")
    assert report.form is not None


async def test_a_wrong_key(standin: DifyStandin) -> None:
    report = await look(standin.base_url, key="app-wrong")
    assert failed(report).check == "key"
    assert "Access token is invalid" in failed(report).detail
    assert skipped(report) == {"app", "published", "form"}


async def test_an_app_that_is_not_published(standin: DifyStandin) -> None:
    report = await look(standin.base_url, key="app-draft")
    assert (failed(report).check, failed(report).advice) == ("published", "In Dify: publish the app.")
    assert skipped(report) == {"form"}


async def test_an_app_whose_api_is_switched_off(standin: DifyStandin) -> None:
    report = await look(standin.base_url, key="app-off")
    assert failed(report).check == "app"
    assert "has been disabled" in failed(report).detail


async def test_a_mapping_that_does_not_fit_the_form(standin: DifyStandin) -> None:
    report = await look(standin.base_url, user(inputs={"tone": "mood", "size": "size"}), key="app-workflow")
    assert report.ok
    form = report.checks[-1]
    assert form.status == "warning"
    assert "sum-up never gives query; sum-up gives size, which the app drops" in form.detail


async def test_nothing_listens_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        report = await look(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "refuses connections" in failed(report).detail
    assert skipped(report) == {"key", "app", "published", "form"}


async def test_a_host_that_nobody_knows() -> None:
    assert "is not known here" in failed(await look("http://nobody.invalid")).detail


ODD: list[tuple[web.Response, str]] = [
    (web.Response(text="<h1>Welcome</h1>", content_type="text/html"), "is no Dify Service API"),
    (web.Response(status=404, text="<h1>Not Found</h1>", content_type="text/html"), "is no Dify Service API"),
    (web.Response(status=301, headers={"Location": "https://elsewhere.example/v1"}), "https://elsewhere.example/v1"),
    (web.Response(status=502, text="<h1>Bad Gateway</h1>", content_type="text/html"), "fails: "),
    (web.Response(status=429, text="{}"), "has no room just now"),
    (web.Response(text="{broken", content_type="application/json"), "is no Dify Service API"),
]


@pytest.mark.parametrize(("odd", "words"), ODD, ids=[words + str(odd.status) for odd, words in ODD])
async def test_a_server_that_is_something_else(odd: web.Response, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=odd.status, body=odd.body, headers=odd.headers)

    report = await _served(answer)
    assert failed(report).check == "address"
    assert words in failed(report).detail
    assert failed(report).advice


async def test_a_server_that_says_nothing() -> None:
    async def silence(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    assert "does not answer in time" in failed(await _served(silence)).detail


async def test_a_form_that_cannot_be_read() -> None:
    async def half(request: web.Request) -> web.Response:
        if request.path.endswith("/info"):
            return web.json_response({"name": "x", "mode": "workflow"})
        return web.Response(status=500, text="oops")

    report = await _served(half)
    assert failed(report).check == "published"
    assert "does not show the app's form" in failed(report).detail


async def _served(answer: Any) -> Report:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with TestServer(app) as server:
        return await look(str(server.make_url("/v1")))
