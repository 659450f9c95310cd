"""Looking at runs and apps."""

from __future__ import annotations

import json
import uuid
from itertools import islice
from typing import Any

from aiohttp import web

from tradefree.testing.dify_standin import events, form_events
from tradefree.testing.dify_standin.apps import App, InputField
from tradefree.testing.dify_standin.envelope import (
    ENGINE,
    WorkflowLogQuery,
    app_of,
    flow_app,
    query_user,
    validated,
)
from tradefree.testing.dify_standin.log_query import matches
from tradefree.testing.dify_standin.pump import pump
from tradefree.testing.dify_standin.replies import (
    EVENTS_HEADERS,
    VERSION,
    Crash,
    DifyError,
    answer,
    frame,
    slow_frame,
)
from tradefree.testing.dify_standin.run import Run
from tradefree.testing.dify_standin.stream import Stream
from tradefree.testing.dify_standin.ticker import Ticker

PING_TICKER: web.AppKey[Ticker[Stream]] = web.AppKey("ping_ticker", Ticker)


async def run_detail(request: web.Request) -> web.Response:
    """GET /workflows/run/{run_id}: inputs are a JSON string; a running run shows zeros."""
    app = flow_app(app_of(request))
    run_id = request.match_info["run_id"]
    if not _is_uuid(run_id):
        raise Crash
    run = request.app[ENGINE].store.find(app, run_id)
    if run is None:
        raise DifyError(404, "not_found", "Workflow run not found.")
    row = _row(run)
    return answer(
        {
            "id": run.id,
            "workflow_id": app.workflow_id,
            "status": row["status"],
            "inputs": json.dumps(run.sys_inputs(timestamp=True), ensure_ascii=False),
            "outputs": run.outputs,
            "error": row["error"],
            "total_steps": row["total_steps"],
            "total_tokens": row["total_tokens"],
            "created_at": row["created_at"],
            "finished_at": row["finished_at"],
            "elapsed_time": row["elapsed_time"],
        }
    )


async def run_events(request: web.Request) -> web.StreamResponse:
    """GET /workflow/{run_id}/events: join a run that is under way, or hear the end of one that is over."""
    app = app_of(request)
    user = query_user(request)
    engine = request.app[ENGINE]
    run = engine.store.find(flow_app(app), request.match_info["run_id"])
    if run is None or run.user != user:
        raise DifyError(404, "not_found", "Workflow run not found")
    if run.status not in ("running", "paused"):
        return web.Response(body=slow_frame(events.finished_run(run)), headers=EVENTS_HEADERS)
    stays = _is_true(request, "continue_on_pause")
    stream = Stream(outlasts_pauses=stays)
    if _is_true(request, "include_state_snapshot"):
        told = [frame(event) for event in events.snapshot(run)]
        if run.paused:
            told += [frame(event) for event in form_events.retold(run)]
            if not stays:
                engine.close_soon(stream)
        return await pump(request, engine, run, stream, EVENTS_HEADERS, told)
    request.app[PING_TICKER].add(stream)
    return await pump(request, engine, run, stream, EVENTS_HEADERS)


async def workflow_logs(request: web.Request) -> web.Response:
    """GET /workflows/logs: newest first, running runs too, no inputs or outputs."""
    app = flow_app(app_of(request))
    query = validated(WorkflowLogQuery, dict(request.query))
    runs = request.app[ENGINE].store.newest(app, query.created_by_end_user_session_id)
    # Dify 1.14.2: the runs of chatflows are never listed here.
    found = [run for run in runs if run.talk is None and matches(run, query)]
    first = (query.page - 1) * query.limit
    page = list(islice(found, first, first + query.limit))
    return answer(
        {
            "page": query.page,
            "limit": query.limit,
            "total": len(found),
            "has_more": len(found) > first + query.limit,
            "data": [_log(run) for run in page],
        }
    )


async def info(request: web.Request) -> web.Response:
    """GET /info: needs no published workflow."""
    app = app_of(request)
    return answer(
        {"name": app.name, "description": app.description, "tags": [], "mode": app.mode, "author_name": app.author}
    )


async def parameters(request: web.Request) -> web.Response:
    """GET /parameters: the input form. Raises `DifyError` 400 for an app that is not published."""
    app = app_of(request)
    if not app.published:
        raise DifyError(400, "app_unavailable", "App unavailable, please check your app configurations.")
    return answer(_parameters(app))


async def meta(request: web.Request) -> web.Response:
    """GET /meta."""
    app_of(request)
    return answer({"tool_icons": {}})


async def health(_: web.Request) -> web.Response:
    """GET /health, outside /v1, without a key."""
    return answer({"pid": 1, "status": "ok", "version": VERSION})


def _row(run: Run) -> dict[str, Any]:
    """The row's figures; Dify fills them in when the run ends."""
    running = run.status == "running"
    return {
        "status": run.status,
        "error": run.error,
        "elapsed_time": 0.0 if running else run.elapsed,
        "total_tokens": 0 if running else run.tokens,
        "total_steps": 0 if running else run.steps,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "exceptions_count": 0 if running else run.exceptions,
    }


def _log(run: Run) -> dict[str, Any]:
    row = _row(run)
    workflow_run = {
        "id": run.id,
        "version": run.app.version,
        "status": row.pop("status"),
        "triggered_from": "app-run",
        **row,
    }
    end_user = {
        "id": run.app.end_user_id(run.user),
        "type": "service-api",
        "is_anonymous": False,
        "session_id": run.user,
    }
    return {
        "id": run.log_id(),
        "workflow_run": workflow_run,
        "details": None,
        "created_from": "service-api",
        "created_by_role": "end_user",
        "created_by_account": None,
        "created_by_end_user": end_user,
        "created_at": run.created_at,
    }


def _parameters(app: App) -> dict[str, Any]:
    off = {"enabled": False}
    ways = ["local_file", "remote_url"]
    return {
        "opening_statement": "",
        "suggested_questions": [],
        "suggested_questions_after_answer": off,
        "speech_to_text": off,
        "text_to_speech": {"enabled": False, "language": "", "voice": ""},
        "retriever_resource": {"enabled": True},
        "annotation_reply": off,
        "more_like_this": off,
        "user_input_form": [{field.type: _form_field(field)} for field in app.inputs],
        "sensitive_word_avoidance": off,
        "file_upload": {
            "allowed_file_extensions": [],
            "allowed_file_types": ["document", "image"],
            "allowed_file_upload_methods": ways,
            "enabled": True,
            "image": {"enabled": False, "number_limits": 3, "transfer_methods": ways},
            "number_limits": 3,
        },
        "system_parameters": {
            "image_file_size_limit": 10,
            "video_file_size_limit": 100,
            "audio_file_size_limit": 50,
            "file_size_limit": 15,
            "workflow_file_upload_limit": 10,
        },
    }


def _form_field(field: InputField) -> dict[str, Any]:
    default = {} if field.default is None else {"default": field.default}
    return {
        **default,
        "label": field.label or field.name,
        "max_length": field.max_length,
        "options": field.options,
        "required": field.required,
        "type": field.type,
        "variable": field.name,
    }


def _is_true(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() == "true"


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
