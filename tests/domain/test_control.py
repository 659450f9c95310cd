"""What people ask of tasks that exist: cancel and retry, in every state."""

from __future__ import annotations

import pytest

from domain.system import System
from tradefree.errors import Conflict, InvalidInput, NotFound
from tradefree.tasks.control import PAGE, ActionResult
from tradefree.tasks.outcome import Completed, DidNotWork, LetGo
from tradefree.tasks.ports import WORKERS, TaskFilter
from tradefree.tasks.states import LIVE, TERMINAL, Status
from tradefree.tasks.task import Task


@pytest.fixture
async def here(system: System) -> System:
    await system.define()
    await system.worker()
    return system


async def task_that_is(system: System, status: Status) -> Task:
    """A task in this state."""
    if status is Status.SCHEDULED:
        return await system.submit(delay=60.0)
    task = await system.submit()
    if status is Status.PENDING:
        return task
    await system.place(task)
    if status is Status.QUEUED:
        return task
    (claimed,) = await system.claim(task)
    match status:
        case Status.COMPLETED:
            await system.finish(claimed, Completed({"old": 1}))
        case Status.FAILED:
            await system.finish(claimed, DidNotWork("x", "No.", retryable=False))
        case Status.CANCELLED:
            await system.control.cancel(task.id)
            await system.finish(claimed, LetGo())
    return task


STATES = sorted(set(Status) - {Status.AWAITING_INPUT})


@pytest.mark.parametrize("status", STATES)
async def test_cancel(here: System, status: Status) -> None:
    task = await task_that_is(here, status)
    assert await here.status(task) is status
    if status in (Status.COMPLETED, Status.FAILED):
        with pytest.raises(Conflict, match=status):
            await here.control.cancel(task.id)
        assert await here.status(task) is status
        return
    seen = await here.control.cancel(task.id, "ann")
    assert seen.status is (Status.PROCESSING if status is Status.PROCESSING else Status.CANCELLED)
    assert seen.cancel_requested_at is not None
    assert await here.control.cancel(task.id, "bob") == seen, "asking twice is asking once"
    lines = [line for line in await here.store.logs(task.id, limit=20) if "cancel" in line.event]
    assert len(lines) == (2 if status is Status.CANCELLED else 1)


@pytest.mark.parametrize("status", STATES)
async def test_retry(here: System, status: Status) -> None:
    task = await task_that_is(here, status)
    if status in LIVE:
        with pytest.raises(Conflict, match=status):
            await here.control.retry(task.id)
        assert await here.status(task) is status
        return
    seen = await here.control.retry(task.id, "ann")
    assert (seen.status, seen.attempt_count, seen.output_data, seen.error_code) == (Status.PENDING, 1, None, None)
    await here.round()
    (claimed,) = await here.claim(task)
    assert claimed.attempt_count == 2
    await here.finish(claimed, Completed({"new": 1}))
    assert (await here.see(task)).output_data == {"new": 1}
    assert [attempt.number for attempt in await here.store.attempts(task.id)] == [1, 2]


async def test_the_worker_is_told_of_a_cancel(here: System) -> None:
    task = await task_that_is(here, Status.PROCESSING)
    await here.control.cancel(task.id)
    assert here.signals.on(WORKERS) == [{"ids": ["w1"]}]
    assert (await here.store.beat("w1", 15)).cancels == (task.id,)
    (change,) = await here.finish(await here.see(task), LetGo())
    assert change.status is Status.CANCELLED


async def test_a_result_beats_a_cancel(here: System) -> None:
    task = await task_that_is(here, Status.PROCESSING)
    await here.control.cancel(task.id)
    await here.finish(await here.see(task), Completed({}))
    assert await here.status(task) is Status.COMPLETED
    with pytest.raises(Conflict):
        await here.control.cancel(task.id)


async def test_a_cancelled_place_is_free_at_once(here: System) -> None:
    await here.define(concurrency={"max_running": 1})
    queued, waiting = await task_that_is(here, Status.QUEUED), await here.submit()
    assert (await here.round()).by_worker == {}
    await here.control.cancel(queued.id)
    assert (await here.round()).by_worker == {"w1": [waiting.id]}
    assert await here.claim(queued) == []


async def test_a_lost_run_is_cancelled_by_the_worker_that_finds_it(here: System) -> None:
    await here.define("agent", runner="resumable")
    task = await here.running("agent")
    await here.store.bury("w1", at_once=True)
    await here.recovery.run()
    seen = await here.control.cancel(task.id)
    assert (seen.status, seen.holds_slot) == (Status.PENDING, True)
    await here.worker("w2")
    assert (await here.round()).by_worker == {"w2": [task.id]}
    (claimed,) = await here.claim(task, by="w2")
    assert claimed.cancel_requested_at is not None
    assert claimed.runner_state == {"attempt": 1}
    await here.finish(claimed, LetGo(confirmed=False))
    seen = await here.see(task)
    assert (seen.status, seen.error_code) == (Status.CANCELLED, "cancel_unconfirmed")


async def test_retry_with_other_input(here: System) -> None:
    await here.define(input_schema={"type": "object", "required": ["a"]})
    task = await here.submit(input_data={"a": 1})
    await here.control.cancel(task.id)
    with pytest.raises(InvalidInput) as error:
        await here.control.retry(task.id, input_data={})
    assert error.value.field == "input_data"
    assert await here.status(task) is Status.CANCELLED
    seen = await here.control.retry(task.id, input_data={"a": 2})
    assert seen.input_data == {"a": 2}


async def test_what_is_not_defined_any_more_is_not_retried(here: System) -> None:
    """Nobody could perform it: it would wait for ever."""
    task = await task_that_is(here, Status.FAILED)
    await here.store.delete_task_type("echo")
    here.catalog.forget()
    for input_data in (None, {"a": 1}):
        with pytest.raises(Conflict, match="'echo' is not defined"):
            await here.control.retry(task.id, input_data=input_data)
    assert await here.status(task) is Status.FAILED
    await here.define()
    assert (await here.control.retry(task.id)).status is Status.PENDING


async def test_a_retry_forgets_the_expiry(here: System) -> None:
    task = await here.submit(expires_in=1.0)
    here.clock.advance(1)
    await here.dispatcher._step()
    assert await here.status(task) is Status.FAILED
    await here.control.retry(task.id)
    here.clock.advance(1)
    assert (await here.round()).by_worker == {"w1": [task.id]}


async def test_nobody(here: System) -> None:
    with pytest.raises(NotFound):
        await here.control.cancel("nope")
    with pytest.raises(NotFound):
        await here.control.retry("nope")


# ── many ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_cancel_all_that_match(here: System) -> None:
    await here.define("other")
    mine = [await here.submit(labels={"shop": "de"}) for _ in range(3)]
    running = await here.running(labels={"shop": "de"})
    theirs = await here.submit(labels={"shop": "fr"}), await here.submit("other")
    wanted = TaskFilter(labels={"shop": "de"})
    assert await here.control.act("cancel", wanted) == ActionResult(matched=4, changed=4)
    assert {await here.status(task) for task in mine} == {Status.CANCELLED}
    assert (await here.see(running)).cancel_requested_at is not None
    assert {await here.status(task) for task in theirs} == {Status.PENDING}
    assert await here.control.act("cancel", wanted) == ActionResult(matched=4, changed=0)


async def test_retry_all_that_match(here: System) -> None:
    tasks = [await task_that_is(here, status) for status in STATES]
    result = await here.control.act("retry", TaskFilter())
    assert result == ActionResult(matched=len(STATES), changed=len(TERMINAL))
    assert Status.FAILED not in {await here.status(task) for task in tasks}


async def test_what_is_not_defined_any_more_is_passed_over(here: System) -> None:
    await here.define("gone")
    gone, stays = await here.submit("gone"), await here.submit()
    assert (await here.control.act("cancel", TaskFilter())).changed == 2
    await here.store.delete_task_type("gone")
    here.catalog.forget()
    assert await here.control.act("retry", TaskFilter()) == ActionResult(matched=2, changed=1)
    assert await here.status(gone) is Status.CANCELLED
    assert await here.status(stays) is Status.PENDING


async def test_more_than_one_page(here: System) -> None:
    await here.submit_many(PAGE * 2 + 3)
    result = await here.control.act("cancel", TaskFilter(statuses=(Status.PENDING,)))
    assert result.changed == PAGE * 2 + 3
    assert (await here.store.counts())["echo"][Status.CANCELLED] == PAGE * 2 + 3


async def test_nothing_matches(here: System) -> None:
    assert await here.control.act("cancel", TaskFilter(types=("none",))) == ActionResult(0, 0)
