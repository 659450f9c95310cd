"""Errors become answers here and nowhere else: the tree of ``tradefree.errors`` to RFC 9457 problem details."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from tradefree.errors import (
    BacklogFull,
    BadSignature,
    Conflict,
    Fact,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    NotFound,
    RateLimited,
    Stale,
    StorageUnavailable,
    TradefreeError,
    Unauthorized,
    kind_of,
)
from tradefree.service.models.problem import FieldProblem, Problem
from tradefree.service.refusals import BadParameter, BodyTooLarge, NotJson, UnsupportedMedia

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
"""Fields named in one answer."""
LONGEST = 300
"""Characters of a field's path or reason that are shown: both may contain what the caller sent."""
TRY_AGAIN = "2"
"""Seconds until a client should try again when the database is away: a fail-over takes a few."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    slug: str
    title: str
    status: int


INVALID = Kind("invalid-input", "The request cannot be accepted", 422)
INTERNAL = Kind("internal-error", "Something went wrong here", 500)

KINDS: dict[type[TradefreeError], Kind] = {
    IdempotencyMismatch: Kind("idempotency-mismatch", "The idempotency key was used for another request", 422),
    NotJson: Kind("not-json", "The body is not JSON", 400),
    BadParameter: Kind("bad-parameter", "A parameter cannot be right", 400),
    InvalidInput: INVALID,
    BodyTooLarge: Kind("body-too-large", "The body is too large", 413),
    UnsupportedMedia: Kind("unsupported-media", "The body has another type than this path takes", 415),
    NotFound: Kind("not-found", "There is no such thing", 404),
    RateLimited: Kind("rate-limited", "Too many requests", 429),
    BacklogFull: Kind("backlog-full", "Too many tasks wait already", 429),
    Stale: Kind("changed-meanwhile", "Somebody else has changed it", 412),
    Conflict: Kind("conflict", "That cannot be done now", 409),
    BadSignature: Kind("bad-signature", "The webhook is not signed as it should be", 401),
    Unauthorized: Kind("unauthorized", "A good API key is needed", 401),
    Forbidden: Kind("forbidden", "The API key has no right to this", 403),
    StorageUnavailable: Kind("storage-unavailable", "The database does not answer", 503),
}
"""The first that fits counts: special ones stand before general ones."""


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case Unauthorized():
            return {"WWW-Authenticate": 'Bearer realm="tradefree"'}
        case StorageUnavailable():
            return {"Retry-After": TRY_AGAIN}
        case BacklogFull():
            return {"Retry-After": str(error.retry_after)}
        case RateLimited():
            return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
        case BodyTooLarge():
            return {"Connection": "close"}  # the rest of the body is not read
        case HTTPException():
            return dict(error.headers or {})
    return {}


def problem_of(error: Exception) -> Problem:
    """What an error says to the caller. Errors that are not deliberate say nothing about themselves."""
    if isinstance(error, RequestValidationError):
        return invalid_fields(error.errors(), skip=1)
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        kind = Kind(phrase.lower().replace(" ", "-"), phrase, error.status_code)
        return _problem(kind, str(error.detail))
    kind = next((kind for known, kind in KINDS.items() if isinstance(error, known)), INTERNAL)
    if kind is INTERNAL or not isinstance(error, TradefreeError):
        return _problem(kind, "The service failed to answer; its log tells why, under the request id.")
    code, facts = error.code, _facts(error.facts)
    if isinstance(error, InvalidInput):
        return _problem(kind, str(error), [_field(error.field, error.reason, code, facts)])
    problem = _problem(kind, str(error))
    problem.code, problem.facts = code, facts
    return problem


def invalid_fields(details: Iterable[Mapping[str, Any]], *, skip: int = 0) -> Problem:
    """A problem from pydantic's list of errors; ``skip`` path parts in front are not part of the field."""
    errors = [_field_of(detail, skip) for detail in details]
    named = "; ".join(f"{one.field}: {one.reason}" if one.field else one.reason for one in errors[:3])
    return _problem(INVALID, named, errors)


def in_body(error: ValidationError) -> RequestValidationError:
    """What pydantic says of a body, as FastAPI would have said it."""
    return RequestValidationError([{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()])


def _problem(kind: Kind, detail: str, errors: Sequence[FieldProblem] = ()) -> Problem:
    return Problem(
        type=f"urn:tradefree:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=detail[: 3 * LONGEST],
        errors=list(errors[:MOST_ERRORS]),
    )


def _field(field: str, reason: str, code: str | None, facts: dict[str, Any] | None) -> FieldProblem:
    return FieldProblem(field=field[:LONGEST], reason=reason[:LONGEST], code=code, facts=facts)


def _field_of(detail: Mapping[str, Any], skip: int) -> FieldProblem:
    code, facts = kind_of(detail)
    if code == "string_pattern_mismatch" and detail["loc"][-1] == "[key]":
        code = "bad_name"
    return _field(_path(detail["loc"][skip:]), _reason(detail), code, _facts(facts))


def _facts(given: Mapping[str, Fact]) -> dict[str, Any] | None:
    """Names and numbers; a list of choices as they stand in sentences of any language."""
    facts = {
        name: value.replace(" or ", ", ")[:LONGEST] if isinstance(value, str) else value
        for name, value in given.items()
    }
    return facts or None


def _path(location: Iterable[Any]) -> str:
    return "/".join(str(part) for part in location if part != "[key]")


def _reason(detail: Mapping[str, Any]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return "is not a known field"
        case "missing":
            return "is required"
        case "model_type" | "model_attributes_type":
            return "should be an object"
        case "string_pattern_mismatch" if detail["loc"][-1] == "[key]":
            return "is not a good name"
    reason = str(detail["msg"]).removeprefix("Value error, ")
    return re.sub(r"^(Input|String|List|Dictionary) should", "should", reason)


def answer(problem: Problem, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP answer, with path and request id filled in."""
    problem.instance = request.url.path
    problem.request_id = request.scope.get("state", {}).get("request_id")
    body = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(body, problem.status, dict(headers or {}), MEDIA_TYPE)


def answer_for(error: Exception, request: Request) -> Response:
    """The HTTP answer to any error."""
    return answer(problem_of(error), request, _headers(error))


def install(app: FastAPI) -> None:
    """Let the application answer all its errors this way."""

    async def known(request: Request, error: Exception) -> Response:
        return answer_for(error, request)

    app.add_exception_handler(TradefreeError, known)
    app.add_exception_handler(HTTPException, known)
    app.add_exception_handler(RequestValidationError, known)
