"""Asking, stopping, and looking at what was said."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, field_validator

from tradefree.testing.dify_standin.apps import App
from tradefree.testing.dify_standin.envelope import ENGINE, app_of, body_of, query_user, validated
from tradefree.testing.dify_standin.form import check_inputs
from tradefree.testing.dify_standin.pump import hold_silent, pump
from tradefree.testing.dify_standin.replies import HEADERS, STREAM_HEADERS, DifyError, answer
from tradefree.testing.dify_standin.run import now
from tradefree.testing.dify_standin.run_routes import Call, lose_answer, override, turn_away, wait
from tradefree.testing.dify_standin.stream import Stream
from tradefree.testing.dify_standin.talk import Conversation, Talk

_CHATS = ("chat", "advanced-chat", "agent-chat")
_NO_CONVERSATION = (
    "Conversation Not Exists. You have requested this URI [/v1/chat-messages] but did you mean /v1/chat-messages "
    "or /api/chat-messages or /v1/chat-messages/<string:task_id>/stop ?"
)


class ChatRequestPayload(BaseModel):
    """Named as in Dify, because its validation errors tell the name."""

    inputs: dict[str, Any]
    query: str
    files: list[dict[str, Any]] | None = None
    response_mode: Literal["blocking", "streaming"] | None = None
    conversation_id: str | None = None

    @field_validator("conversation_id")
    @classmethod
    def _is_uuid(cls, value: str | None) -> str | None:
        try:
            return str(uuid.UUID(value)) if value else None
        except ValueError:
            raise ValueError("conversation_id must be a valid UUID") from None


class CompletionRequestPayload(BaseModel):
    """Named as in Dify."""

    inputs: dict[str, Any]
    query: str = ""
    files: list[dict[str, Any]] | None = None
    response_mode: Literal["blocking", "streaming"] | None = None


class MessageFeedbackPayload(BaseModel):
    """Named as in Dify."""

    rating: Literal["like", "dislike"] | None = None
    content: str | None = None


async def chat_message(request: web.Request) -> web.StreamResponse:
    """POST /chat-messages."""
    app = app_of(request)
    body, user = await body_of(request)
    if app.mode not in _CHATS:
        raise DifyError(400, "not_chat_app", "Please check if your app mode matches the right API route.")
    payload = validated(ChatRequestPayload, body)
    if not payload.query:
        raise DifyError(400, "invalid_param", "query is required")
    call = _call(request, app, user, payload)
    conversation = None
    if payload.conversation_id:
        conversation = call.engine.conversations.find(app.key, user, payload.conversation_id)
        if conversation is None and app.mode == "advanced-chat" and call.mode == "streaming":
            return await hold_silent(request, call.engine)
        if conversation is None:
            raise DifyError(404, "not_found", _NO_CONVERSATION)
    return await _ask(request, call, payload.query, conversation)


async def completion_message(request: web.Request) -> web.StreamResponse:
    """POST /completion-messages."""
    app = app_of(request)
    body, user = await body_of(request)
    if app.mode != "completion":
        raise DifyError(400, "app_unavailable", "App unavailable, please check your app configurations.")
    payload = validated(CompletionRequestPayload, body)
    return await _ask(request, _call(request, app, user, payload), payload.query, None)


async def stop_message(request: web.Request) -> web.Response:
    """POST /chat-messages/{task_id}/stop, and of completions: always success; another user's stop has no effect."""
    app = app_of(request)
    _, user = await body_of(request)
    engine = request.app[ENGINE]
    run = engine.store.by_task.get(request.match_info["task_id"])
    if run is not None and run.user == user:
        engine.stop(app, run.task_id)
    return answer({"result": "success"})


async def conversations(request: web.Request) -> web.Response:
    """GET /conversations."""
    app, user, limit = app_of(request), query_user(request), _limit(request)
    found = request.app[ENGINE].conversations.of(app.key, user)
    ids = [item.id for item in found]
    last = request.query.get("last_id")
    found = found[ids.index(last) + 1 :] if last in ids else found
    return _page(limit, [item.row() for item in found[:limit]], more=len(found) > limit)


async def messages(request: web.Request) -> web.Response:
    """GET /messages: the latest ones, oldest first."""
    app, user, limit = app_of(request), query_user(request), _limit(request)
    wanted = request.query.get("conversation_id", "")
    conversation = request.app[ENGINE].conversations.find(app.key, user, wanted)
    if conversation is None:
        raise DifyError(404, "not_found", "Conversation Not Exists.")
    rows = [_message(talk) for talk in conversation.messages]
    return _page(limit, rows[-limit:], more=len(rows) > limit)


async def feedback(request: web.Request) -> web.Response:
    """POST /messages/{message_id}/feedbacks."""
    app = app_of(request)
    body, _ = await body_of(request)
    given = {name: value for name, value in body.items() if name in ("rating", "content")}
    payload = validated(MessageFeedbackPayload, given)
    for talk in request.app[ENGINE].conversations.messages(app.key):
        if talk.message_id == request.match_info["message_id"]:
            talk.feedback = payload.rating
            return answer({"result": "success"})
    raise DifyError(404, "not_found", "Message Not Exists.")


async def delete_conversation(request: web.Request) -> web.Response:
    """DELETE /conversations/{conversation_id}: 204."""
    app = app_of(request)
    _, user = await body_of(request)
    kept = request.app[ENGINE].conversations
    conversation = kept.find(app.key, user, request.match_info["conversation_id"])
    if conversation is None:
        raise DifyError(404, "not_found", "Conversation Not Exists.")
    kept.remove(conversation)
    return web.Response(status=204, reason="NO CONTENT", headers={**HEADERS, "Content-Type": "application/json"})


_NOBODY = "00000000-0000-0000-0000-000000000000"


def _call(request: web.Request, app: App, user: str, payload: ChatRequestPayload | CompletionRequestPayload) -> Call:
    engine, given = request.app[ENGINE], payload.inputs
    behaviour = engine.choose(app, given, user, override(given.pop("standin", None)))
    call = Call(engine, app, user, payload.response_mode or "blocking", given, behaviour)
    if app.mode == "agent-chat" and call.mode == "blocking":
        raise DifyError(400, "invalid_param", "Agent Chat App does not support blocking mode")
    turn_away(call)
    lose_answer(call)
    return call


async def _ask(request: web.Request, call: Call, query: str, conversation: Conversation | None) -> web.StreamResponse:
    engine, app, user = call.engine, call.app, call.user
    inputs = check_inputs(app, call.given)
    moment = now()
    if conversation is None and app.mode != "completion":
        conversation = Conversation(app.key, user, query, inputs, moment, moment)
        engine.conversations.add(conversation)
    talk = Talk(query, inputs, moment, conversation)
    if conversation is not None:
        conversation.messages.append(talk)
        conversation.updated_at = moment
    run = engine.begin(app, user, call.mode, inputs, call.given, call.behaviour, talk)
    if call.mode == "blocking":
        return await wait(request, engine, run)
    return await pump(request, engine, run, Stream(run.behaviour.cut_stream), STREAM_HEADERS)


def _message(talk: Talk) -> dict[str, Any]:
    return {
        "id": talk.message_id,
        "conversation_id": talk.conversation.id if talk.conversation else "",
        "parent_message_id": _NOBODY,
        "inputs": talk.inputs,
        "query": talk.query,
        "answer": talk.answer,
        "feedback": {"rating": talk.feedback} if talk.feedback else None,
        "retriever_resources": [],
        "created_at": talk.created_at,
        "agent_thoughts": [],
        "message_files": [],
        "status": talk.status,
        "error": talk.error,
        "extra_contents": [],
    }


def _limit(request: web.Request) -> int:
    return int(request.query.get("limit", "20"))


def _page(limit: int, rows: list[dict[str, Any]], *, more: bool) -> web.Response:
    return answer({"limit": limit, "has_more": more, "data": rows})
