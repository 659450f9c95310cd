"""What an HTTP answer means: recorded errors of a real Dify, and the bodies that proxies make up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dify.dify_replay import KEY, exchanges
from tradefree.dify.errors import (
    Answer,
    DifyBusy,
    DifyError,
    DifyNotFound,
    DifyRejected,
    DifyUnavailable,
    DifyUncertain,
    error_of_answer,
    error_of_event,
    parse_retry_after,
)
from tradefree.dify.verdict import runner_error
from tradefree.errors import Busy, Failed, OutcomeUnknown

NOW = datetime(2026, 11, 23, 15, 0, 0, tzinfo=UTC)


def error_of(status: int, body: bytes = b"", *, starts: bool = True, **headers: str) -> DifyError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of_answer(Answer(status, named, body), starts=starts, secret=KEY, now=NOW)


def recorded(name: str, number: int) -> DifyError:
    exchange = exchanges(name)[number - 1]
    return error_of_answer(Answer(exchange.status, exchange.headers, exchange.body), starts=True, secret=KEY)


@pytest.mark.parametrize(
    ("name", "number", "kind", "code", "words", "advice"),
    [
        ("07", 1, DifyRejected, "unauthorized", "Access token is invalid", "api_key"),
        ("09", 1, DifyRejected, "invalid_param", "Arg user must be provided", "form"),
        ("09", 5, DifyRejected, "bad_request", "could not understand", ""),
        ("09", 7, DifyRejected, "unsupported_media_type", "Content-Type", ""),
        ("09", 8, DifyUnavailable, "unknown", "Internal Server Error", ""),
        ("09", 11, DifyRejected, "method_not_allowed", "not allowed", ""),
        ("09", 12, DifyNotFound, "http_404", "Not Found", "base_url"),
        ("09", 13, DifyNotFound, "http_404", "Not Found", "base_url"),
        ("10", 2, DifyRejected, "invalid_param", "Workflow not published", "publish the workflow"),
        ("11", 1, DifyRejected, "not_workflow_app", "app mode", "no workflow"),
        ("12", 2, DifyRejected, "bad_request", "Invalid workflow_id format", ""),
        ("12", 3, DifyNotFound, "not_found", "Workflow not found", "workflow_id"),
        ("24", 4, DifyUnavailable, "unknown", "Internal Server Error", ""),
        ("26-", 1, DifyBusy, "invalid_param", "Too many requests", ""),
        ("26-", 2, DifyBusy, "invalid_param", "Too many requests", ""),
        ("26b", 3, DifyBusy, "invalid_param", "Too many requests", ""),
        ("40", 1, DifyRejected, "provider_not_initialize", "credentials is not initialized", "credentials"),
        ("40", 5, DifyRejected, "invalid_param", "Model is not configured", "credentials"),
        ("52", 1, DifyRejected, "forbidden", "API service has been disabled", "switched on"),
    ],
)
def test_recorded_errors(name: str, number: int, kind: type[DifyError], code: str, words: str, advice: str) -> None:
    error = recorded(name, number)

    assert type(error) is kind
    assert error.code == code
    assert error.status == exchanges(name)[number - 1].status
    assert words in error.message
    assert not error.may_have_started
    assert advice in str(runner_error(error)).removeprefix(error.message)


@pytest.mark.parametrize("status", [502, 503, 504, 520, 524])
def test_a_proxy_that_gave_up_is_uncertain_only_if_a_run_could_start(status: int) -> None:
    page = b"<html><head><style>b {x}</style></head><body><h1>Bad\n Gateway</h1></body></html>"

    assert type(error_of(status, page)) is DifyUncertain
    assert type(error_of(status, page, starts=False)) is DifyUnavailable
    assert error_of(status, page).excerpt == "Bad Gateway"


def test_500_of_dify_started_nothing_but_500_of_unknown_origin_may_have() -> None:
    assert type(error_of(500, b'{"code":"unknown","message":"Internal Server Error","status":500}')) is DifyUnavailable
    assert type(error_of(500, b"<h1>Internal Server Error</h1>")) is DifyUncertain


@pytest.mark.parametrize("status", [429, 521, 523])
def test_no_room_or_never_reached_is_busy(status: int) -> None:
    error = error_of(status, b"slow down", Retry_After="7")

    assert type(error) is DifyBusy
    assert error.retry_after == 7.0


def test_a_redirect_is_told_and_refused() -> None:
    error = error_of(301, b"", Location="https://dify.example.com/v1/workflows/run")

    assert type(error) is DifyRejected
    assert "https://dify.example.com/v1/workflows/run" in error.message


@pytest.mark.parametrize("body", [b"", b"{broken", b"[1]", b"null", b"\xff\xfe\x00", b'{"message": 5}'])
def test_any_body_makes_an_error(body: bytes) -> None:
    error = error_of(418, body)

    assert type(error) is DifyRejected
    assert error.status == 418
    assert str(error)


def test_the_excerpt_is_short_and_the_key_is_nowhere() -> None:
    body = f"<p>Authorization: Bearer {KEY}</p>".encode() + b"x" * 10_000

    for error in (error_of(403, body), error_of(403, b'{"code":"c","message":"' + KEY.encode() + b'"}')):
        assert KEY not in str(error)
        assert KEY not in error.excerpt
        assert KEY not in str(runner_error(error))
        assert len(error.excerpt) <= 500


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("Mon, 23 Nov 2026 15:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 14:00:00 GMT", 0.0),
        ("999999999", 86400.0),
        ("soon", None),
        ("-5", None),
        ("nan", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


def test_error_events_are_judged_like_answers() -> None:
    bad_graph = {"event": "error", "code": "invalid_param", "status": 400, "message": "No class mapping found for x"}
    upstream = {"event": "error", "code": "completion_request_error", "status": 400, "message": "rate limit"}

    assert type(error_of_event(bad_graph)) is DifyRejected
    assert type(error_of_event(upstream)) is DifyUnavailable
    assert type(error_of_event({"event": "error"})) is DifyUnavailable


def test_the_domain_hears_the_right_word() -> None:
    busy = runner_error(DifyBusy("full", retry_after=3))
    rejected = runner_error(DifyRejected("no", code="x"))
    unavailable = runner_error(DifyUnavailable("oops", retry_after=9))
    late_busy = runner_error(DifyBusy("full"), started=True)

    assert isinstance(busy, Busy)
    assert busy.retry_after == 3
    assert isinstance(rejected, Failed)
    assert not rejected.retryable
    assert isinstance(unavailable, Failed)
    assert (unavailable.retryable, unavailable.retry_after, unavailable.code) == (True, 9, "dify_unavailable")
    assert isinstance(late_busy, Failed)
    assert late_busy.retryable
    assert isinstance(runner_error(DifyUncertain("?")), OutcomeUnknown)
