"""The OpenAPI document: FastAPI's, with security, scopes and problem details put in where every operation has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from tradefree.service.callers import Guard, guard_of
from tradefree.service.cookies import SECURE
from tradefree.service.documents import PREFIX
from tradefree.service.problems import MEDIA_TYPE
from tradefree.service.routers import GUARDED, OPEN

DESCRIPTION = """Runs AI workflows as reliable background tasks.

Submit with `POST /api/v1/tasks`; watch `status_url`, `logs_url` or `stream_url`. Send an API key as
`Authorization: Bearer <key>` or `X-API-Key: <key>`. Errors are problem details (RFC 9457) that name the field.
"""

TAGS = [
    {"name": "tasks", "description": "Submit, find, watch, cancel and retry tasks."},
    {"name": "events", "description": "What happened elsewhere, and what raises events by itself."},
    {"name": "definitions", "description": "Task types and the connections they use."},
    {"name": "events", "description": "What happened elsewhere, and the triggers that make tasks of it."},
    {"name": "limits", "description": "What may be in flight, start and wait; changed while the system runs."},
    {"name": "callbacks", "description": "Telling the world what became of tasks: subscriptions and deliveries."},
    {"name": "access", "description": "API keys, and sessions of people at a browser."},
    {"name": "system", "description": "Workers, statistics, health."},
]

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
    "session": {"type": "apiKey", "in": "cookie", "name": SECURE, "description": "A session of the console."},
}

MEANINGS = {
    400: "The body is not JSON, or a parameter cannot be right.",
    401: "No good API key.",
    403: "The key has no right to this.",
    404: "No such thing, or not visible to this key.",
    409: "That cannot be done now.",
    412: "Somebody else has changed it since; look again.",
    413: "The body is too large.",
    415: "The body has another type than this path takes.",
    422: "The request cannot be accepted; `errors` names the fields.",
    429: "Too many requests of this key, or too many tasks wait in a scope; `Retry-After` says when to come again.",
    503: "The database does not answer; try again.",
}


def install(app: FastAPI) -> None:
    """Let the application build its document this way, once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operations() -> Iterator[tuple[str, str, APIRoute, Guard | None]]:
    """Every operation of the service: path, method in lower case, route, and its guard."""
    for prefix, routers in ((PREFIX, GUARDED), ("", OPEN)):
        for router in routers:
            for route in router.routes:
                if isinstance(route, APIRoute):
                    for method in sorted(route.methods or ()):
                        yield prefix + route.path_format, method.lower(), route, guard_of(route.dependant.dependencies)


def _build(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components = schema["components"]
    components["securitySchemes"] = SECURITY_SCHEMES
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for path, method, route, guard in operations():
        if route.include_in_schema:
            _complete(schema["paths"][path][method], route, guard)
    return schema


def _complete(operation: dict[str, Any], route: APIRoute, guard: Guard | None) -> None:
    if guard is not None:
        operation["security"] = guard.security
        operation["description"] += f"\n\n{guard.words}"
    responses = {int(status): response for status, response in operation["responses"].items() if status != "422"}
    for status in _problems(route, guard, {*responses, *map(int, route.responses)}):
        description = responses.get(status, {}).get("description", MEANINGS[status])
        schema = {"$ref": "#/components/schemas/Problem"}
        responses[status] = {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}


def _problems(route: APIRoute, guard: Guard | None, declared: set[int]) -> list[int]:
    """The problems an operation may answer with: what it declares, and what follows from its parts."""
    possible = {status for status in declared if status >= 400}
    if guard is not None:
        possible |= {401, 403, 429, 503}
    if route.body_field is not None:
        possible |= {400, 413, 415, 422}
    if route.dependant.query_params:
        possible |= {400, 422}
    if route.dependant.path_params:
        possible.add(404)
    return sorted(possible)
