"""One attempt: what its runner does becomes an outcome, whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from console.sentences import told
from tradefree.errors import Busy, Failed, OutcomeUnknown
from tradefree.tasks.attempt import STARTED, UNSEEN, Attempt, started_line
from tradefree.tasks.outcome import Completed, DidNotWork, LetGo, NothingStarted, Outcome
from tradefree.tasks.ports import Run
from tradefree.tasks.questions import Answer
from tradefree.tasks.states import Status
from tradefree.tasks.task import Json, Task, Usage
from tradefree.tasks.types import Connection
from tradefree.testing.clock import START
from tradefree.testing.doubles import ScriptedRunner, Step

LONG = 3600.0


@dataclass
class PlainRun:
    """The least a ``Run`` can be."""

    task_id: str = "t1"
    type: str = "echo"
    attempt: int = 1
    input_data: Json = field(default_factory=lambda: {"in": 1})
    options: Mapping[str, Any] = field(default_factory=dict)
    connection: Connection | None = None
    timeout: float = LONG
    state: dict[str, Any] | None = None
    answer: Answer | None = None
    holds_unknown: bool = False
    traceparent: str | None = None
    cancelled: bool = False

    def log(self, level: str, message: str, *, event: str = "note", **data: Any) -> None:
        assert told(event, data), f"the console cannot say this in Chinese: {event} {data}"

    def partial(self, text: str, *, replace: bool = False) -> None:
        """Nobody listens."""

    async def save(self, state: dict[str, Any]) -> None:
        self.state = state


class Hands:
    """An attempt of a scripted runner, and the errors it reported."""

    def __init__(self, *steps: Step, cancel_asked: bool = False, run: PlainRun | None = None, **runner: Any) -> None:
        self.runner = ScriptedRunner({"*": steps}, **runner)
        self.run = run or PlainRun()
        self.errors: list[Exception] = []
        self.attempt = Attempt(self.run, self.runner, cancel_asked=cancel_asked, on_error=self.errors.append)

    async def perform(self) -> Outcome:
        return await self.attempt.perform()


async def for_ever(_: Run) -> None:
    await asyncio.Event().wait()


async def perform(*steps: Step, **values: Any) -> Outcome:
    return await Hands(*steps, **values).perform()


async def test_without_a_script_the_input_is_the_result() -> None:
    assert await perform() == Completed({"in": 1})


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ({"out": 1}, Completed({"out": 1})),
        (None, Completed(None)),
        (Completed(1, Usage(total_tokens=3), "Partly."), Completed(1, Usage(total_tokens=3), "Partly.")),
        (Busy("full", retry_after=3.0), NothingStarted("full", 3.0)),
        (Failed("No.", code="c", retryable=False), DidNotWork("c", "No.", retryable=False)),
        (Failed("No.", retry_after=9.0), DidNotWork("failed", "No.", retryable=True, retry_after=9.0)),
        (OutcomeUnknown("Who knows."), DidNotWork("outcome_unknown", "Who knows.", retryable=True)),
        (ValueError("odd"), DidNotWork("runner_error", "ValueError: odd", retryable=True)),
        (asyncio.CancelledError(), DidNotWork("runner_cancelled", "The runner cancelled itself.", retryable=True)),
    ],
    ids=repr,
)
async def test_outcomes(step: Any, outcome: Outcome) -> None:
    async def do(_: Run) -> Any:
        if isinstance(step, BaseException):
            raise step
        return step

    assert await perform(do) == outcome


async def test_only_unexpected_errors_are_reported() -> None:
    expected, unexpected = Hands(Failed("No.")), Hands(ValueError("odd"))
    await expected.perform()
    await unexpected.perform()
    assert expected.errors == []
    assert [str(error) for error in unexpected.errors] == ["odd"]


async def test_an_unknown_outcome_of_a_resumable_runner_is_unresolved() -> None:
    outcome = await perform(OutcomeUnknown("Who knows."), resumable=True)
    assert isinstance(outcome, DidNotWork)
    assert outcome.unresolved


# ── time-outs ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_that_takes_too_long_is_stopped() -> None:
    hands = Hands(for_ever, run=PlainRun(timeout=0.01))
    assert await hands.perform() == DidNotWork("timeout", "It took longer than the time-out of 0.01 s.", retryable=True)
    assert hands.runner.stopped == [hands.run]


@pytest.mark.parametrize("stops", [True, False])
async def test_a_timed_out_run_that_nobody_saw_stop_is_unresolved(monkeypatch: pytest.MonkeyPatch, stops: bool) -> None:
    monkeypatch.setattr("tradefree.tasks.attempt.SETTLE", 0.01)
    outcome = await perform(for_ever, run=PlainRun(timeout=0.01), resumable=True, stops=stops)
    assert isinstance(outcome, DidNotWork)
    assert (outcome.code, outcome.unresolved) == ("timeout", not stops)


async def test_a_timed_out_run_whose_runner_does_not_know_is_unresolved() -> None:
    async def unsure(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OutcomeUnknown("Who knows.") from None

    outcome = await perform(unsure, run=PlainRun(timeout=0.01), resumable=True, stops=False)
    assert isinstance(outcome, DidNotWork)
    assert (outcome.code, outcome.unresolved) == ("timeout", True)


async def test_a_result_at_the_last_moment_is_kept() -> None:
    ended = asyncio.Event()

    async def until_stopped(_: Run) -> str:
        await ended.wait()
        return "done"

    class Stops(ScriptedRunner):
        async def stop(self, run: Run) -> bool:
            ended.set()
            return True

    attempt = Attempt(PlainRun(timeout=0.01), Stops({"*": [until_stopped]}, resumable=True), on_error=print)
    assert await attempt.perform() == Completed("done")


# ── cancels ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def cancelled(hands: Hands) -> Outcome:
    """Cancel while it runs."""
    work = asyncio.create_task(hands.perform())
    await hands.runner.started.wait()
    hands.attempt.cancel()
    return await work


@pytest.mark.parametrize("stops", [True, False])
async def test_a_cancel_stops_the_run(stops: bool) -> None:
    hands = Hands(for_ever, stops=stops)
    outcome = await cancelled(hands)
    assert isinstance(outcome, LetGo)
    assert outcome.confirmed is stops
    assert (outcome.note is None) is stops
    assert hands.runner.stopped == [hands.run]


async def test_a_cancel_before_the_start_starts_nothing() -> None:
    hands = Hands({"out": 1}, cancel_asked=True)
    assert await hands.perform() == LetGo()
    assert hands.runner.runs == hands.runner.stopped == []


@pytest.mark.parametrize("state", [{}, {"run": "r"}])
@pytest.mark.parametrize("stops", [True, False])
async def test_a_cancel_before_the_start_stops_a_run_left_behind(state: dict[str, Any], stops: bool) -> None:
    hands = Hands(cancel_asked=True, run=PlainRun(state=state), stops=stops, resumable=True)
    outcome = await hands.perform()
    assert isinstance(outcome, LetGo)
    assert outcome.confirmed is stops
    assert hands.runner.runs == []
    assert hands.runner.stopped == [hands.run]


async def test_a_failure_that_came_first_is_told() -> None:
    failed = Failed("Broken.", code="broken", retryable=False)

    async def fails_when_stopped(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise failed from None

    outcome = await cancelled(Hands(fails_when_stopped))
    assert isinstance(outcome, DidNotWork)
    assert outcome.code == "broken"


async def test_a_failure_that_says_it_was_stopped_is_the_cancel() -> None:
    async def stopped(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise Failed("Stopped.", code="stopped") from None

    outcome = await cancelled(Hands(stopped))
    assert isinstance(outcome, LetGo)
    assert outcome.confirmed


class Unseen(Failed):
    """A runner's word on what a run had cost that was not seen to stop."""

    usage = Usage(total_tokens=42)

    def __init__(self) -> None:
        super().__init__("Nobody saw it stop.", code="stop_unseen")


async def until_let_go(_: Run) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise Unseen


async def test_what_a_run_cost_that_nobody_saw_stop_is_kept() -> None:
    hands = Hands(until_let_go, resumable=True, stops=False)
    assert await cancelled(hands) == LetGo(False, UNSEEN, Usage(total_tokens=42))
    over_time = Hands(until_let_go, resumable=True, stops=False, run=PlainRun(timeout=0.01))
    outcome = await over_time.attempt.perform()
    assert isinstance(outcome, DidNotWork)
    assert (outcome.code, outcome.unresolved, outcome.usage.total_tokens) == ("timeout", True, 42)


async def test_a_stop_that_breaks_is_reported_and_harms_nothing() -> None:
    class Breaks(ScriptedRunner):
        async def stop(self, run: Run) -> bool:
            raise RuntimeError("no")

    errors: list[Exception] = []
    runner = Breaks({"*": [for_ever]})
    attempt = Attempt(PlainRun(timeout=0.01), runner, on_error=errors.append)
    outcome = await attempt.perform()
    assert isinstance(outcome, DidNotWork)
    assert [str(error) for error in errors] == ["no"]


async def test_a_stop_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradefree.tasks.attempt.STOP_WITHIN", 0.01)

    class Hangs(ScriptedRunner):
        async def stop(self, run: Run) -> bool:
            await asyncio.Event().wait()
            return True

    attempt = Attempt(PlainRun(timeout=0.01), Hangs({"*": [for_ever]}, resumable=True), on_error=print)
    outcome = await attempt.perform()
    assert isinstance(outcome, DidNotWork)
    assert outcome.unresolved


async def test_dropping_it_asks_nobody() -> None:
    """A fenced worker must not stop what another worker may be looking after."""
    let_go = asyncio.Event()

    async def notices(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            let_go.set()

    hands = Hands(notices, resumable=True)
    work = asyncio.create_task(hands.perform())
    await hands.runner.started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert let_go.is_set()
    assert hands.runner.stopped == []


def test_the_line_of_a_start() -> None:
    task = Task("t", "echo", Status.PROCESSING, START, START, START, START, "echo/", attempt_count=1, worker_id="w1")
    task.started_at = START + timedelta(seconds=1.5)
    assert started_line(task).message == "Attempt 1 started after waiting 1.50 s."
    assert "{{waited}}" in (told(STARTED, started_line(task).data) or "")
    task.run_at = START + timedelta(seconds=1)
    assert started_line(task).message == "Attempt 1 started after waiting 0.50 s."
    task.attempt_count = 2
    line = started_line(task)
    assert (line.message, line.attempt, line.data) == ("Attempt 2 started.", 2, {"worker": "w1"})


# ── what is said of codes and costs must not cost the result ────────────────────────────────────────────────────────

HUGE, TINY = Decimal("1e999999"), Decimal("1e-999999")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (Usage(total_tokens=2**63, prompt_tokens=-(2**63) - 1), Usage()),
        (Usage(total_tokens=2**63 - 1, completion_tokens=0), Usage(total_tokens=2**63 - 1, completion_tokens=0)),
        (Usage(price=Decimal("0.0000021"), currency="USD"), Usage(price=Decimal("0.0000021"), currency="USD")),
        (Usage(price=HUGE, currency="USD"), Usage(currency="USD")),
        (Usage(price=TINY), Usage()),
        (Usage(price=Decimal("NaN")), Usage()),
        (Usage(price=Decimal(1) / 3 * Decimal(10) ** 9), Usage(price=Decimal(1) / 3 * Decimal(10) ** 9)),
        (Usage(currency="人民币 yuan"), Usage(currency="??? yuan")),
        (Usage(elapsed=float("inf")), Usage()),
        (Usage(elapsed=float("nan")), Usage()),
    ],
)
async def test_costs_that_no_database_could_store_are_left_out(said: Usage, kept: Usage) -> None:
    assert await Hands(Completed({"out": 1}, said)).perform() == Completed({"out": 1}, kept)
    refused = await Hands(Overspent("No.", said)).perform()
    assert isinstance(refused, DidNotWork)
    assert refused.usage == kept


class Overspent(Failed):
    def __init__(self, message: str, usage: Usage) -> None:
        super().__init__(message)
        self.usage = usage


@pytest.mark.parametrize(("said", "kept"), [("ü" * 99, "?" * 64), ("quota", "quota"), (404, "404")])
async def test_a_code_is_a_short_ascii_word(said: Any, kept: str) -> None:
    outcome = await Hands(Failed("No.", code=said)).perform()
    assert isinstance(outcome, DidNotWork)
    assert outcome.code == kept
