"""The HTTP server around the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tradefree.testing.dify_standin import (
    browse_routes,
    control_routes,
    file_routes,
    human_routes,
    run_routes,
    talk_routes,
)
from tradefree.testing.dify_standin.apps import App, Config, load
from tradefree.testing.dify_standin.control_routes import Control
from tradefree.testing.dify_standin.engine import Engine
from tradefree.testing.dify_standin.envelope import ENGINE
from tradefree.testing.dify_standin.gate import GATE, Gate
from tradefree.testing.dify_standin.ledger import Ledger
from tradefree.testing.dify_standin.replies import DifyError, HtmlError, error_answer, html_answer, wrong_method
from tradefree.testing.dify_standin.stream import Stream
from tradefree.testing.dify_standin.ticker import Ticker

_MAX_BODY = 100 * 1024 * 1024
"""Bytes; Docker's nginx takes 100M."""

_LISTEN_BACKLOG = 4096
"""Connections that may knock at the same moment."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DifyStandin:
    """A server that speaks Dify 1.14.2's Service API for workflow apps.

    `apps` is a file, a `Config`, or a list of `App` objects or mappings; `options` are the other fields of `Config`
    (`slots`, `connections`, `timing`, `group_by`, `task_pattern`). Use it as an async context manager:

        async with DifyStandin(apps=[{"name": "echo", "inputs": ["query"]}]) as server:
            ...  # server.base_url, server.ledger
    """

    def __init__(
        self,
        apps: Config | Path | str | Iterable[App | dict[str, Any]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ledger_file: Path | str | None = None,
        **options: Any,
    ) -> None:
        config = _config(apps, options)
        self.ledger = Ledger(config.group_by, ledger_file)
        self.engine = Engine(config, self.ledger)
        self.gate = Gate(config.connections)
        silence = self.engine.real(self.engine.timing.ping_seconds)
        self._pings: Ticker[Stream] = Ticker(silence, lambda stream: stream.ping_after(silence))
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def apps(self) -> list[App]:
        """The apps as they are now."""
        return list(self.engine.apps.values())

    @property
    def origin(self) -> str:
        """`http://host:port`."""
        return f"http://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """What a Dify client takes as its base URL."""
        return f"{self.origin}/v1"

    def control(self, **change: Any) -> None:
        """Change the running server; the same fields as POST /standin/control."""
        control_routes.apply(self.engine, self.gate, Control.model_validate(change))

    async def __aenter__(self) -> Self:
        self.ledger.__enter__()
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=self.engine.timing.keepalive_seconds,
            shutdown_timeout=0.1,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, backlog=_LISTEN_BACKLOG).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.shut()
        self._pings.stop()
        if self._runner:
            await self._runner.cleanup()
        self.ledger.__exit__(kind, error, trace)

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[_answers, _hands], client_max_size=_MAX_BODY)
        app[ENGINE] = self.engine
        app[GATE] = self.gate
        app[browse_routes.PING_TICKER] = self._pings
        app.add_routes(_routes())
        return app


def _routes() -> list[web.RouteDef]:
    return [
        web.post("/v1/workflows/run", run_routes.run_workflow),
        web.post("/v1/workflows/{workflow_id}/run", run_routes.run_workflow),
        web.post("/v1/workflows/tasks/{task_id}/stop", run_routes.stop_task),
        web.post("/v1/chat-messages", talk_routes.chat_message),
        web.post("/v1/chat-messages/{task_id}/stop", talk_routes.stop_message),
        web.post("/v1/completion-messages", talk_routes.completion_message),
        web.post("/v1/completion-messages/{task_id}/stop", talk_routes.stop_message),
        web.get("/v1/conversations", talk_routes.conversations),
        web.delete("/v1/conversations/{conversation_id}", talk_routes.delete_conversation),
        web.get("/v1/messages", talk_routes.messages),
        web.post("/v1/messages/{message_id}/feedbacks", talk_routes.feedback),
        web.post("/v1/files/upload", file_routes.upload),
        web.get("/v1/workflows/run/{run_id}", browse_routes.run_detail),
        web.get("/v1/workflows/logs", browse_routes.workflow_logs),
        web.get("/v1/workflow/{run_id}/events", browse_routes.run_events),
        web.get("/v1/form/human_input/{token}", human_routes.show_form),
        web.post("/v1/form/human_input/{token}", human_routes.submit_form),
        web.get("/v1/info", browse_routes.info),
        web.get("/v1/parameters", browse_routes.parameters),
        web.get("/v1/meta", browse_routes.meta),
        web.get("/health", browse_routes.health),
        web.get("/standin/ledger", control_routes.show_ledger),
        web.post("/standin/reset", control_routes.reset),
        web.post("/standin/control", control_routes.control),
    ]


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors become Dify's answers."""
    try:
        return await handler(request)
    except DifyError as error:
        return _later(error_answer(error), error)
    except HtmlError as error:
        return _later(html_answer(error.status), error)
    except web.HTTPMethodNotAllowed:
        return wrong_method()
    except web.HTTPException as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            return html_answer(error.status)
        raise


def _later(response: web.Response, error: DifyError | HtmlError) -> web.Response:
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


@web.middleware
async def _hands(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Dify's delay and its limited hands; the stand-in's own endpoints always answer."""
    if request.path.startswith("/standin/"):
        return await handler(request)
    engine, gate = request.app[ENGINE], request.app[GATE]
    await gate.enter()
    try:
        if engine.timing.latency_seconds:
            await asyncio.sleep(engine.real(engine.timing.latency_seconds))
        return await handler(request)
    finally:
        gate.leave()


def _config(apps: Config | Path | str | Iterable[App | dict[str, Any]], options: dict[str, Any]) -> Config:
    if isinstance(apps, Path | str):
        apps = load(apps)
    if isinstance(apps, Config):
        return Config.model_validate({**apps.model_dump(exclude_unset=True), "apps": apps.apps, **options})
    return Config.model_validate({"apps": list(apps), **options})
