"""What happens is counted, under labels that do not grow without end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.reading import Reading
from tradefree.metrics.bounds import MOST_CODES, MOST_NAMES, Few, summed
from tradefree.metrics.happened import Happened
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, HandBack, LetGo, NothingStarted, Outcome
from tradefree.tasks.questions import Question
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, Usage, lane_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def task(type_: str = "work", *, waited: float = 0.3, **values: Any) -> Task:
    began = NOW + timedelta(seconds=waited)
    fields: dict[str, Any] = {"attempt_count": 1, "started_at": began, **values}
    return Task("t-1", type_, Status.PROCESSING, NOW, NOW, NOW, NOW, lane_of(type_, None), **fields)


@pytest.fixture
def happened() -> Happened:
    return Happened("1.2.3")


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Completed({}), "completed"),
        (DidNotWork("no", "No.", retryable=True), "failed"),
        (NothingStarted("Full."), "deferred"),
        (LetGo(), "cancelled"),
        (Asked(Question("Well?")), "asked"),
        (HandBack(), "handed_back"),
        (None, "dropped"),
    ],
)
def test_attempts_are_counted_by_what_came_of_them(happened: Happened, outcome: Outcome | None, word: str) -> None:
    happened.began(task())
    assert Reading.of(happened).value("worker_running_attempts") == 1
    happened.ended(task(), None, outcome, 1.5)
    page = Reading.of(happened)
    assert page.all("attempts_total") == {(word, "work"): 1}
    assert page.value("worker_running_attempts") == 0
    assert page.value("attempt_duration_seconds_sum", type="work") == (None if outcome is None else 1.5)


def test_only_the_first_attempt_waits_for_its_start(happened: Happened) -> None:
    happened.began(task(waited=0.3))
    happened.began(task(waited=400.0, attempt_count=2))
    happened.began(task(waited=-0.1))
    page = Reading.of(happened)
    assert page.value("task_start_wait_seconds_count", type="work") == 2
    assert page.value("task_start_wait_seconds_sum", type="work") == pytest.approx(0.3)


def test_what_it_cost(happened: Happened) -> None:
    usage = Usage(total_tokens=100, prompt_tokens=60, completion_tokens=30, price=Decimal("0.25"), currency="USD")
    happened.ended(task(), "bot", Completed({}, usage), 1.0)
    happened.ended(task(), "bot", DidNotWork("no", "No.", retryable=False, usage=usage), 1.0)
    happened.ended(task(), "bot", Completed({}, Usage(total_tokens=7)), 1.0)
    page = Reading.of(happened)
    assert page.all("tokens_total") == {("completion", "work"): 60, ("other", "work"): 27, ("prompt", "work"): 120}
    assert page.all("cost_total") == {("USD", "work"): 0.5}


def test_a_price_below_nothing_does_not_break_the_counter(happened: Happened) -> None:
    happened.ended(task(), "bot", Completed({}, Usage(total_tokens=-5, price=Decimal(-1))), 1.0)
    assert Reading.of(happened).all("cost_total") == {}


def test_errors_of_upstreams_by_connection_and_code(happened: Happened) -> None:
    happened.ended(task(), "bot", NothingStarted("Full."), 0.1)
    happened.ended(task(), "bot", NothingStarted("Nobody there.", unreachable=True), 0.1)
    happened.ended(task(), "bot", DidNotWork("dify_rejected", "No.", retryable=False), 0.1)
    happened.ended(task(), None, DidNotWork("runner_error", "No.", retryable=False), 0.1)
    happened.ended(task(), "bot", LetGo(), 0.1)
    errors = Reading.of(happened).all("upstream_errors_total")
    assert errors == {("busy", "bot"): 1, ("unreachable", "bot"): 1, ("dify_rejected", "bot"): 1}


def test_codes_and_types_from_outside_do_not_grow_without_end(happened: Happened) -> None:
    for n in range(2 * MOST_NAMES):
        happened.ended(task(f"type-{n}"), "bot", DidNotWork(f"code-{n}", "No.", retryable=False), 0.1)
    page = Reading.of(happened)
    assert len(page.all("upstream_errors_total")) == MOST_CODES + 1
    assert page.value("upstream_errors_total", connection="bot", code="other") == 2 * MOST_NAMES - MOST_CODES
    assert len(page.all("attempts_total")) == MOST_NAMES + 1


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Completed({}), "delivered"),
        (DidNotWork("http_503", "No.", retryable=True), "http_5xx"),
        (DidNotWork("http_404", "No.", retryable=True), "http_4xx"),
        (DidNotWork("certificate", "No.", retryable=True), "certificate"),
        (DidNotWork("something", "No.", retryable=True), "other"),
    ],
)
def test_deliveries(happened: Happened, outcome: Outcome, word: str) -> None:
    happened.ended(task("work"), None, outcome, 0.1)
    happened.ended(task(CALLBACK), None, outcome, 0.1)
    assert Reading.of(happened).all("callback_deliveries_total") == {(word,): 1}


def test_rounds_beats_and_leases(happened: Happened) -> None:
    happened.leads(True)
    happened.round(0.02, 7)
    happened.round(0.03, 0)
    happened.round_failed("database")
    happened.beat(0.4, good=True)
    happened.beat(2.0, good=False)
    happened.lease_lost()
    page = Reading.of(happened)
    assert page.value("dispatcher_leading") == 1
    assert page.value("dispatcher_rounds_total", outcome="done") == 2
    assert page.value("dispatcher_rounds_total", outcome="database") == 1
    assert page.value("dispatcher_admitted_tasks_total") == 7
    assert page.value("dispatcher_round_duration_seconds_sum") == pytest.approx(0.05)
    assert page.all("worker_beats_total") == {("failed",): 1, ("written",): 1}
    assert page.value("worker_beat_delay_seconds_bucket", le="1.0") == 1
    assert page.value("worker_lease_losses_total") == 1
    happened.leads(False)
    assert Reading.of(happened).value("dispatcher_leading") == 0


def test_two_processes_share_nothing() -> None:
    one, other = Happened("1"), Happened("1")
    one.lease_lost()
    assert Reading.of(other).value("worker_lease_losses_total") == 0


def test_few_words_keep_their_names() -> None:
    few = Few(2)
    assert [few.word(word) for word in ("a", "b", "c", "a", "d")] == ["a", "b", "other", "a", "other"]


def test_the_smallest_numbers_are_added_up() -> None:
    assert summed({"a": 1, "b": 5, "c": 2, "other": 3}, 2) == {"b": 5, "other": 6}
    assert summed({"a": 1}, 2) == {"a": 1}
