"""What is checked before the call itself: key, JSON, user, kind of app.

Dify 1.14.2: controllers/service_api/wraps.py.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from tradefree.testing.dify_standin.apps import App
from tradefree.testing.dify_standin.engine import Engine
from tradefree.testing.dify_standin.replies import Crash, DifyError

ENGINE: web.AppKey[Engine] = web.AppKey("engine", Engine)

_USER_LENGTH = 255

M = TypeVar("M", bound=BaseModel)


class WorkflowRunPayload(BaseModel):
    """Named as in Dify, because its validation errors tell the name."""

    inputs: dict[str, Any]
    files: list[dict[str, Any]] | None = None
    response_mode: Literal["blocking", "streaming"] | None = None


class WorkflowLogQuery(BaseModel):
    """Named as in Dify, because its validation errors tell the name."""

    keyword: str | None = None
    status: Literal["succeeded", "failed", "stopped"] | None = None
    created_at__before: str | None = None
    created_at__after: str | None = None
    created_by_end_user_session_id: str | None = None
    created_by_account: str | None = None
    page: int = Field(default=1, ge=1, le=99999)
    limit: int = Field(default=20, ge=1, le=100)


def app_of(request: web.Request) -> App:
    """The app behind the key. Raises `DifyError` 401 or 403."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if not token:
        raise DifyError(401, "unauthorized", "Authorization header must be provided and start with 'Bearer'")
    if scheme.lower() != "bearer":
        raise DifyError(401, "unauthorized", "Authorization scheme must be 'Bearer'")
    app = request.app[ENGINE].apps.get(token)
    if app is None:
        raise DifyError(401, "unauthorized", "Access token is invalid")
    if not app.enabled:
        raise DifyError(403, "forbidden", "The app's API service has been disabled.")
    return app


async def body_of(request: web.Request) -> tuple[dict[str, Any], str]:
    """The JSON body and its user. Raises `DifyError` 400, 415, or Dify's crash for bodies it did not foresee."""
    if request.content_type != "application/json":
        text = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
        raise DifyError(415, "unsupported_media_type", text)
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        text = "The browser (or proxy) sent a request that this server could not understand."
        raise DifyError(400, "bad_request", text) from None
    if not isinstance(body, dict):
        raise Crash
    return body, _user(body.get("user"))


def query_user(request: web.Request) -> str:
    """The user of a GET. Raises `DifyError` 400."""
    return _user(request.query.get("user"))


def workflow_app(app: App) -> App:
    """The same app if it is a workflow. Raises `DifyError` 400."""
    if app.mode != "workflow":
        raise DifyError(400, "not_workflow_app", "Please check if your app mode matches the right API route.")
    return app


def flow_app(app: App) -> App:
    """The same app if it is a workflow or a chatflow. Raises `DifyError` 400."""
    return app if app.mode == "advanced-chat" else workflow_app(app)


def validated(model: type[M], data: dict[str, Any]) -> M:
    """Raises `DifyError` 400 with the text of the validation error, as Dify shows it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        text = re.sub(r"errors\.pydantic\.dev/[\d.]+/", "errors.pydantic.dev/2.12/", str(error))
        raise DifyError(400, "invalid_param", text) from None


def _user(user: Any) -> str:
    if not user:
        raise DifyError(400, "invalid_param", "Arg user must be provided.")
    text = str(user)
    if len(text) > _USER_LENGTH:
        raise Crash
    return text
