"""Starting and stopping workflow runs."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from tradefree.testing.dify_standin import events, form_events
from tradefree.testing.dify_standin.apps import App
from tradefree.testing.dify_standin.behaviour import Behaviour
from tradefree.testing.dify_standin.engine import Engine, too_many_requests
from tradefree.testing.dify_standin.envelope import (
    ENGINE,
    WorkflowRunPayload,
    app_of,
    body_of,
    validated,
    workflow_app,
)
from tradefree.testing.dify_standin.form import check_inputs
from tradefree.testing.dify_standin.pump import hold_silent, pump
from tradefree.testing.dify_standin.replies import STREAM_HEADERS, DifyError, HtmlError, answer, run_answer
from tradefree.testing.dify_standin.run import Mode, Run
from tradefree.testing.dify_standin.speaking import usage_of
from tradefree.testing.dify_standin.stream import Stream


@dataclass(slots=True)
class Call:
    """A call to start something, as it was understood."""

    engine: Engine
    app: App
    user: str
    mode: Mode
    given: dict[str, Any]
    behaviour: Behaviour


async def run_workflow(request: web.Request) -> web.StreamResponse:
    """POST /workflows/run and /workflows/{workflow_id}/run."""
    call = await _read(request)
    turn_away(call)
    _check_version(call.app, request.match_info.get("workflow_id"))
    lose_answer(call)
    try:
        inputs = check_inputs(call.app, call.given)
    except DifyError:
        # Dify 1.14.2: a streaming run is validated in a worker that has no way to tell.
        if call.mode == "blocking":
            raise
        call.engine.ledger.refuse(call.app.name, call.user, "invalid inputs, silent")
        return await hold_silent(request, call.engine)
    run = call.engine.begin(call.app, call.user, call.mode, inputs, call.given, call.behaviour)
    if call.mode == "blocking":
        return await wait(request, call.engine, run)
    stream = Stream(run.behaviour.cut_stream)
    return await pump(request, call.engine, run, stream, STREAM_HEADERS)


async def stop_task(request: web.Request) -> web.Response:
    """POST /workflows/tasks/{task_id}/stop: always success (Dify 1.14.2)."""
    app = app_of(request)
    await body_of(request)
    request.app[ENGINE].stop(workflow_app(app), request.match_info["task_id"])
    return answer({"result": "success"})


async def _read(request: web.Request) -> Call:
    engine = request.app[ENGINE]
    app = app_of(request)
    body, user = await body_of(request)
    payload = validated(WorkflowRunPayload, {name: value for name, value in body.items() if name in _PAYLOAD})
    given = payload.inputs
    behaviour = engine.choose(workflow_app(app), given, user, override(given.pop("standin", None)))
    return Call(engine, app, user, payload.response_mode or "blocking", given, behaviour)


_PAYLOAD = ("inputs", "files", "response_mode", "user")


def override(asked: Any) -> Behaviour | None:
    """The behaviour in the input `standin`: an object, its JSON text, or the name of one effect."""
    if not asked:
        return None
    try:
        return Behaviour.model_validate(
            orjson.loads(asked) if str(asked).startswith("{") and isinstance(asked, str) else asked
        )
    except (ValidationError, orjson.JSONDecodeError) as error:
        raise DifyError(400, "invalid_param", f"standin: {error}") from None


def turn_away(call: Call) -> None:
    """The refusals that come before anything else."""
    engine, app, busy = call.engine, call.app, call.behaviour.too_many_requests
    try:
        engine.refuse_if_full(app, call.mode)
        if (
            busy
            and (busy.above is None or engine.ledger.open_runs(app.name) >= busy.above)
            and _strikes(call, "too_many_requests")
        ):
            raise too_many_requests(app, busy.above or 1)
    except DifyError:
        engine.ledger.refuse(app.name, call.user, "too_many_requests")
        raise
    if not app.published:
        raise DifyError(400, "invalid_param", "Workflow not published")


def _check_version(app: App, version: str | None) -> None:
    if version is None:
        return
    try:
        uuid.UUID(version)
    except ValueError:
        raise DifyError(400, "bad_request", f"Invalid workflow_id format: '{version}'. ") from None
    if version != app.workflow_id:
        raise DifyError(404, "not_found", f"Workflow not found with id: {version}")


def lose_answer(call: Call) -> None:
    """An HTTP error in place of the answer; the run may go on behind it."""
    fault = call.behaviour.http_error
    if fault is None or not _strikes(call, "http_error"):
        return
    if fault.run_starts and call.app.mode == "workflow":
        inputs = check_inputs(call.app, call.given)
        call.engine.begin(call.app, call.user, call.mode, inputs, call.given, call.behaviour)
    else:
        call.engine.ledger.refuse(call.app.name, call.user, "http_error")
    if fault.body == "html":
        raise HtmlError(fault.status, fault.retry_after)
    raise DifyError(fault.status, fault.code, fault.message, fault.retry_after)


def _strikes(call: Call, name: str) -> bool:
    return call.engine.strikes(call.app, call.behaviour, name, call.user, call.given)


async def wait(request: web.Request, engine: Engine, run: Run) -> web.Response:
    """The answer of a blocking run. A caller who leaves does not end the run."""
    if not (run.over or run.paused):
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run.waiters.append(waiter)
        await waiter
    if run.failure:
        raise run.failure
    if run.paused:
        return paused_answer(run)
    lost = run.behaviour.cut_stream or run.behaviour.missing_final_event
    if run.final is None or lost:
        if not lost:
            await asyncio.sleep(engine.real(engine.timing.idle_close_seconds))
        if request.transport:
            request.transport.abort()
        return web.Response(status=500)
    if run.talk is not None:
        return message_answer(run)
    data = {name: run.final[name] for name in _BLOCKING}
    return run_answer({"task_id": run.task_id, "workflow_run_id": run.id, "data": data})


def paused_answer(run: Run) -> web.Response:
    """A blocking answer of a run that waits for a person."""
    result = events.result(run, "paused", {}, None, run.age(), None)
    data = {**{name: result[name] for name in _BLOCKING}, **form_events.paused_answer(run)}
    ids = {"task_id": run.task_id, "workflow_run_id": run.id}
    if run.talk is not None:
        ids = {"event": "workflow_paused", **run.talk.ids(), **ids}
    return run_answer({**ids, "data": data})


def message_answer(run: Run) -> web.Response:
    """A blocking answer in a message; a chatflow that failed is an error here (Dify 1.14.2)."""
    talk, final = run.talk, run.final or {}
    assert talk is not None
    if final["status"] == "failed":
        raise DifyError(400, "invalid_param", f"Run failed: {final['error']}")
    ids = {"event": "message", "task_id": run.task_id, "id": talk.message_id, "message_id": talk.message_id}
    if talk.conversation:
        ids["conversation_id"] = talk.conversation.id
    usage = final.get("usage") or usage_of(run, run.tokens)
    metadata: dict[str, Any] = {"annotation_reply": None, "retriever_resources": [], "usage": usage}
    told = {"mode": run.app.mode, "answer": talk.answer, "metadata": metadata, "created_at": talk.created_at}
    return run_answer({**ids, **told})


_BLOCKING = (
    "id",
    "workflow_id",
    "status",
    "outputs",
    "error",
    "elapsed_time",
    "total_tokens",
    "total_steps",
    "created_at",
    "finished_at",
)
