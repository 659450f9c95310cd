"""Decide: every move written whole, with its log lines, its attempt and its count, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from stores.acts import Acts, save_state
from stores.engines import AnyStore
from tradefree.errors import TradefreeError
from tradefree.tasks.outcome import Completed, DidNotWork, LetGo, NothingStarted, Report, storable
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, AttemptOutcome, Json, Task, Usage
from tradefree.tasks.transitions import Change, Rules, cancel, fail, finish, lose, revive, unqueue
from tradefree.testing.clock import FrozenClock


async def test_a_move_sets_its_columns_and_nothing_else(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.submitted(input_data={"a": 1}, labels={"x": "y"}, concurrency_key="k", priority=3, run_in=60)
    clock.advance(2.5)
    (change,) = await store.decide([task.id], lambda t: cancel(t, clock.now(), "ann"))
    assert change.status is Status.CANCELLED
    assert await acts.see(task) == replace(
        task,
        status=Status.CANCELLED,
        updated_at=clock.now(),
        finished_at=clock.now(),
        cancel_requested_at=clock.now(),
    )


async def test_decide_is_shown_the_tasks_without_payloads(acts: Acts, store: AnyStore) -> None:
    tasks = [await acts.submitted(input_data={"a": 1}, labels={"x": "y"}) for _ in range(3)]
    seen: list[Task] = []

    def look(task: Task) -> Change | None:
        seen.append(task)
        return None

    assert await store.decide([task.id for task in reversed(tasks)], look) == []
    assert sorted(seen, key=lambda t: t.id) == [replace(task, input_data=None) for task in tasks]


async def test_none_leaves_a_task_as_it_is(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    stays, goes = await acts.submitted(), await acts.submitted()
    clock.advance(1)
    changes = await store.decide([stays.id, goes.id], lambda t: cancel(t, clock.now()) if t.id == goes.id else None)
    assert [change.before.id for change in changes] == [goes.id]
    assert await acts.see(stays) == stays
    assert len(await store.logs(stays.id, limit=10)) == 1


async def test_unknown_ids_are_passed_over(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.submitted()
    changes = await store.decide([acts.task().id, task.id, "nonsense"], lambda t: cancel(t, clock.now()))
    assert [change.before.id for change in changes] == [task.id]
    assert await store.decide([], lambda t: cancel(t, clock.now())) == []


async def test_an_id_given_twice_is_decided_once(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.submitted()
    changes = await store.decide([task.id, task.id], lambda t: cancel(t, clock.now()))
    assert len(changes) == 1
    assert [line.event for line in await store.logs(task.id, limit=10)] == ["task.accepted", "task.cancelled"]


async def test_a_repeat_finds_the_move_made(acts: Acts, store: AnyStore) -> None:
    task = await acts.running()
    assert len(await acts.finish(task, Completed({"n": 1}))) == 1
    assert await acts.finish(task, Completed({"n": 2})) == []
    assert (await acts.see(task)).output_data == {"n": 1}
    assert len(await store.attempts(task.id)) == 1
    assert (await store.counts())["echo"][Status.COMPLETED] == 1


async def test_an_error_in_decide_changes_nothing(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    tasks = [await acts.submitted() for _ in range(3)]

    def decide(task: Task) -> Change | None:
        if task.id == tasks[2].id:
            raise TradefreeError("no")
        return cancel(task, clock.now())

    with pytest.raises(TradefreeError):
        await store.decide([task.id for task in tasks], decide)
    assert [await acts.status(task) for task in tasks] == [Status.PENDING] * 3


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "output",
    [
        None,
        {},
        [],
        0,
        False,
        "",
        "text",
        1.5,
        {"deep": [{"a": None}]},
        {"zh": "摘要：订单已发货", "emoji": "📦👩‍👩‍👧‍👦"},
        {"b": 1, "a": 2},
        {"quotes": "'\"`\\ \n\r\t\x00\u2028%_$[0]"},
        {"big": "長x" * 150_000},
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_results_come_back_as_they_were(acts: Acts, output: Json) -> None:
    seen = await acts.completed(output=output)
    assert seen.output_data == output
    assert type(seen.output_data) is type(output)


async def test_results_of_one_batch_do_not_mix(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist(capacity=1000)
    tasks = [acts.task() for _ in range(300)]
    await acts.submit(*tasks)
    await acts.admit(*tasks)
    claimed = {task.id: task for task in await acts.claim(*tasks)}
    now = clock.now()

    def end(task: Task) -> Change | None:
        number = tasks_in_order.index(task.id)
        outcome = (
            Completed({"n": number}, Usage(total_tokens=number)),
            DidNotWork(f"code-{number}", f"Message {number}.", retryable=False),
            DidNotWork("again", f"Message {number}.", retryable=True),
            NothingStarted("full", retry_after=number),
            LetGo(confirmed=number % 2 == 0),
        )[number % 5]
        return finish(task, Report(task.id, 1, "w1", outcome), Rules(), now, 0.0)

    tasks_in_order = sorted(claimed)
    changes = await store.decide(list(claimed), end)
    assert len(changes) == 300
    for number, task_id in enumerate(tasks_in_order):
        seen = await store.task(task_id)
        assert seen is not None
        (attempt,) = await store.attempts(task_id)
        match number % 5:
            case 0:
                assert (seen.status, seen.output_data, seen.error_code) == (Status.COMPLETED, {"n": number}, None)
                assert attempt.usage.total_tokens == number
            case 1:
                assert (seen.status, seen.error_code) == (Status.FAILED, f"code-{number}")
                assert (seen.error_message, seen.failures) == (f"Message {number}.", 1)
            case 2:
                assert (seen.status, seen.failures, seen.error_code) == (Status.SCHEDULED, 1, "again")
            case 3:
                assert (seen.status, seen.deferrals, seen.deferred_since) == (Status.SCHEDULED, 1, now)
            case 4:
                assert seen.status is Status.CANCELLED
                assert seen.error_code == (None if number % 2 == 0 else "cancel_unconfirmed")
        assert (seen.worker_id, seen.holds_slot) == (None, False)
        assert len(await store.logs(task_id, limit=10)) == 3


async def test_an_attempt_is_kept_with_everything_it_cost(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.running()
    state = {"workflow_run_id": "r-1", "用户": "甲"}
    await save_state(store, task.id, 1, "w1", state)
    clock.advance(12.345678)
    usage = Usage(
        total_tokens=2**40,
        prompt_tokens=1,
        completion_tokens=2,
        price=Decimal("0.000000123456789012345"),
        currency="USD",
        elapsed=12.25,
    )
    await acts.finish(task, Completed({}, usage))
    assert await store.attempts(task.id) == [
        Attempt(
            task_id=task.id,
            number=1,
            worker_id="w1",
            started_at=task.started_at,
            finished_at=clock.now(),
            outcome=AttemptOutcome.COMPLETED,
            usage=usage,
            runner_state=state,
        )
    ]


async def test_attempts_in_order(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.running()
    for number in range(1, 13):
        await acts.finish(task, DidNotWork("x", f"No {number}.", retryable=True), max_deferral=1)
        await store.decide([task.id], lambda t: cancel(t, clock.now()))
        await store.decide([task.id], lambda t: revive(t, clock.now()))
        await acts.admit(task)
        (task,) = await acts.claim(task)
    attempts = await store.attempts(task.id)
    assert [attempt.number for attempt in attempts] == list(range(1, 13))
    assert [attempt.error_message for attempt in attempts] == [f"No {n}." for n in range(1, 13)]
    assert await store.attempts("unknown") == []


async def test_a_long_error_message_comes_back_whole(acts: Acts, store: AnyStore) -> None:
    message = "错误 " * 30_000
    task = await acts.failed(message=message)
    assert task.error_message == message
    (attempt,) = await store.attempts(task.id)
    assert attempt.error_message == message


async def test_log_lines_of_the_attempt_come_before_the_line_of_the_move(acts: Acts, store: AnyStore) -> None:
    task = await acts.running()
    lines = [acts.line(task, f"step {n}", attempt=1, event="node.finished", data={"n": n}) for n in range(3)]
    await acts.finish(task, Completed({}), lines)
    found = await store.logs(task.id, limit=10)
    assert [line.event for line in found] == [
        "task.accepted",
        "attempt.started",
        "node.finished",
        "node.finished",
        "node.finished",
        "task.completed",
    ]
    assert [line.data for line in found[2:5]] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [line.attempt for line in found] == [0, 1, 1, 1, 1, 1]


async def test_a_result_that_cannot_be_stored_changes_nothing(acts: Acts, store: AnyStore) -> None:
    good, bad = await acts.running(), await acts.running()
    now = acts.clock.now()

    def end(task: Task) -> Change | None:
        output: Any = {"x": object()} if task.id == bad.id else {}
        return finish(task, Report(task.id, 1, "w1", Completed(output)), Rules(), now, 0.0)

    with pytest.raises(Exception, match=r"(?i)json|serializable"):
        await store.decide([good.id, bad.id], end)
    assert await acts.status(good) is Status.PROCESSING
    assert await store.attempts(good.id) == []
    assert len(await store.logs(good.id, limit=10)) == 2
    assert (await store.counts())["echo"][Status.COMPLETED] == 0


# ── guards ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_of_many_at_the_same_time_one_moves_the_task(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.running()
    now = clock.now()
    outcomes = [Completed({"n": n}) for n in range(10)]
    answers = await asyncio.gather(
        *(acts.finish(task, outcome) for outcome in outcomes),
        *(store.decide([task.id], lambda t: lose(t, Rules(), now) if t.worker_id else None) for _ in range(5)),
        *(store.decide([task.id], lambda t: cancel(t, now)) for _ in range(5)),
    )
    ends = [change for answer in answers for change in answer if change.attempt is not None]
    assert len(ends) == 1
    assert len(await store.attempts(task.id)) == 1


async def test_a_fenced_worker_changes_nothing(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    stale = await acts.running()
    await store.decide([stale.id], lambda t: lose(t, Rules(), clock.now()))
    assert await acts.finish(stale, Completed({"from": "the dead"})) == []
    await acts.admit(stale)
    (again,) = await acts.claim(stale)
    assert again.attempt_count == 2
    assert await acts.finish(stale, Completed({"from": "the dead"})) == []
    await acts.finish(again, Completed({"from": "the living"}))
    assert (await acts.see(stale)).output_data == {"from": "the living"}


async def test_overlapping_units_in_opposite_order(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    """Rows are locked in one order, so that such units wait for each other instead of dying of each other."""
    tasks = [await acts.submitted() for _ in range(30)]
    ids = [task.id for task in tasks]
    answers = await asyncio.gather(
        *(store.decide(ids if n % 2 else ids[::-1], lambda t: cancel(t, clock.now())) for n in range(10))
    )
    assert sum(len(answer) for answer in answers) == 30


# ── running totals ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_totals_follow_every_end_and_every_retry(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.completed()
    assert (await store.counts())["echo"][Status.COMPLETED] == 1
    await store.decide([task.id], lambda t: revive(t, clock.now()))
    counts = (await store.counts())["echo"]
    assert (counts[Status.COMPLETED], counts[Status.PENDING]) == (0, 1)
    await store.decide([task.id], lambda t: fail(t, "x", "No.", clock.now()))
    counts = (await store.counts())["echo"]
    assert (counts[Status.COMPLETED], counts[Status.PENDING], counts[Status.FAILED]) == (0, 0, 1)
    await store.decide([task.id], lambda t: revive(t, clock.now()))
    await store.decide([task.id], lambda t: cancel(t, clock.now()))
    counts = (await store.counts())["echo"]
    assert {status: n for status, n in counts.items() if n} == {Status.CANCELLED: 1}


async def test_a_retry_with_other_input(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.failed(input_data={"a": 1})
    await store.decide([task.id], lambda t: revive(t, clock.now(), values={"input_data": {"b": [2]}}))
    seen = await acts.see(task)
    assert seen.input_data == {"b": [2]}
    assert (seen.error_code, seen.error_message, seen.output_data, seen.finished_at) == (None, None, None, None)
    assert seen.attempt_count == 1


async def test_unqueue_gives_the_place_back(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.submitted()
    await acts.admit(task)
    await store.decide([task.id], lambda t: unqueue(t, clock.now(), "why."))
    seen = await acts.see(task)
    assert (seen.status, seen.worker_id, seen.holds_slot, seen.queued_at) == (Status.PENDING, None, False, None)
    async with acts.round() as round_:
        assert [head.id for head in (await round_.heads({task.lane: 1}))[task.lane]] == [task.id]


async def test_a_thousand_moves_at_once(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    tasks = [acts.task() for _ in range(1000)]
    await acts.submit(*tasks)
    changes = await store.decide([task.id for task in tasks], lambda t: cancel(t, clock.now()))
    assert len(changes) == 1000
    assert (await store.counts())["echo"][Status.CANCELLED] == 1000


async def test_what_is_believed_need_not_be_read(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    tasks = [await acts.running() for _ in range(3)]
    changes = await _complete(store, clock, tasks)
    assert sorted(change.before.id for change in changes) == sorted(task.id for task in tasks)
    for task in tasks:
        assert (await acts.see(task)).output_data == {"of": task.id}
        (attempt,) = await store.attempts(task.id)
        assert (attempt.outcome, attempt.worker_id) == (AttemptOutcome.COMPLETED, "w1")
    assert await _complete(store, clock, tasks) == [], "a repeat does nothing"


async def test_a_task_that_is_not_as_believed_is_left_alone_and_the_others_are_moved(
    acts: Acts, store: AnyStore, clock: FrozenClock
) -> None:
    mine, lost = await acts.running(), await acts.running()
    await store.decide([lost.id], lambda t: lose(t, Rules(), clock.now()))
    changes = await _complete(store, clock, [mine, lost])
    assert [change.before.id for change in changes] == [mine.id]
    assert (await acts.see(mine)).status is Status.COMPLETED
    assert (await acts.see(lost)).status is Status.PENDING
    assert len(await store.attempts(lost.id)) == 1
    assert (await store.counts())["echo"][Status.COMPLETED] == 1


async def _complete(store: AnyStore, clock: FrozenClock, tasks: list[Task]) -> list[Change]:
    reports = {t.id: Report(t.id, t.attempt_count, "w1", Completed({"of": t.id})) for t in tasks}
    return await store.decide(
        list(reports), lambda t: finish(t, reports[t.id], Rules(), clock.now(), 0.5), believed=tasks
    )


async def test_the_largest_costs_are_kept(acts: Acts, store: AnyStore) -> None:
    usage = Usage(2**63 - 1, 0, 2**63 - 1, Decimal(f"-{'9' * 30}.{'9' * 29}"), "¥¥¥¥¥¥¥¥", 1.7e308)
    most = storable(DidNotWork("c" * 99, "No.", retryable=False, usage=usage))
    assert isinstance(most, DidNotWork)
    task = await acts.running()
    await acts.finish(task, most)
    (attempt,) = await store.attempts(task.id)
    assert (attempt.usage, attempt.error_code) == (most.usage, "c" * 64)
    assert attempt.usage.price == usage.price
