"""The runtime: claims within its capacity, lets go when fenced, insists when the database is away, drains."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from decimal import Decimal
from typing import Any

import pytest

from tradefree.errors import Outdated
from tradefree.ids import new_id
from tradefree.runners import runner
from tradefree.tasks import attempt as attempt_module
from tradefree.tasks.clipping import Clipped, clipped
from tradefree.tasks.outcome import Completed
from tradefree.tasks.ports import WORKERS, Entry, Submission, task_topic
from tradefree.tasks.recover import LEASE
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask, prepare
from tradefree.tasks.task import Usage
from tradefree.tasks.transitions import Rules, lose
from tradefree.tasks.types import TaskType
from tradefree.testing.doubles import ScriptedRunner
from tradefree.testing.memory import MemoryStore
from tradefree.worker.runtime import MARGIN
from worker.conftest import Gate, Start, World, scripted

ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


async def test_a_lost_ring_costs_one_beat(start: Start) -> None:
    async with start(ScriptedRunner()) as world:
        task_id = await world.submit(input_data={"n": 1})
        assert await world.admit() == [task_id]
        task = await world.reaches(task_id, Status.COMPLETED)
        assert task.output_data == {"n": 1}


async def test_no_more_attempts_than_capacity(start: Start) -> None:
    gate = Gate()
    async with start(scripted(gate), capacity=3) as world:
        ids = [await world.submit() for _ in range(8)]
        assert len(await world.admit()) == 3
        await world.until(lambda: gate.inside == 3)
        assert await world.admit() == []
        gate.opened.set()

        async def all_done() -> bool:
            await world.admit()
            return all([(await world.task(task_id)).status is Status.COMPLETED for task_id in ids])

        await world.until(all_done)
        assert gate.most == 3


async def test_a_worker_whose_lease_runs_out_drops_everything_and_begins_anew(start: Start) -> None:
    gate = Gate()
    async with start(scripted(gate)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        first = world.runtime.id
        world.store.away = True
        world.clock.advance(LEASE - MARGIN)
        await world.until(lambda: gate.inside == 0)
        world.store.away = False
        await world.until(lambda: world.runtime.id != first and world.runtime.well)
        task = await world.task(task_id)
        assert (task.status, task.worker_id) == (Status.PROCESSING, first), "a fenced worker must write nothing"
        assert [line.event for line in await world.store.logs(task_id, limit=10)] == [
            "task.accepted",
            "attempt.started",
        ]


async def test_a_claim_that_fails_in_an_unknown_way_is_made_again(start: Start) -> None:
    async with start(ScriptedRunner()) as world:
        world.store.stumbles = 2
        task_id = await world.submit()
        await world.admit()
        await world.reaches(task_id, Status.COMPLETED)
        assert world.store.stumbles == 0


async def test_a_worker_that_cannot_begin_anew_for_an_unknown_reason_tries_on(start: Start) -> None:
    async with start(ScriptedRunner()) as world:
        first = world.runtime.id
        await world.store.bury(first, at_once=True)
        world.store.stumbles = 2
        await world.until(lambda: world.runtime.id != first and world.runtime.well)


async def test_a_worker_that_was_declared_dead_hands_nothing_in(start: Start) -> None:
    gate = Gate("late result")
    async with start(scripted(gate)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        first = world.runtime.id
        await world.store.bury(first, at_once=True)
        await world.until(lambda: world.runtime.id != first)
        gate.opened.set()
        assert gate.inside == 0
        assert (await world.task(task_id)).output_data is None


async def test_a_worker_of_another_protocol_drops_everything_and_ends(start: Start) -> None:
    gate = Gate("late result")
    async with start(scripted(gate)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        world.store.outdated = True
        with pytest.raises(Outdated, match="protocol 2"):
            await world.working
        gate.opened.set()
        task = await world.task(task_id)
        assert (gate.inside, task.status, task.output_data) == (0, Status.PROCESSING, None)
        assert [worker.status for worker, _ in await world.store.all_workers()] == ["left"], "nobody is to be blamed"


async def test_a_fenced_worker_of_another_protocol_does_not_begin_anew(start: Start) -> None:
    async with start(ScriptedRunner()) as world:
        first = world.runtime.id
        world.store.away = True
        world.clock.advance(LEASE - MARGIN)
        await world.until(lambda: not world.runtime.well)
        world.store.outdated = True
        world.store.away = False
        with pytest.raises(Outdated):
            await world.working
        assert world.runtime.id == first


async def test_a_result_waits_for_the_database(start: Start) -> None:
    gate = Gate({"paid": True})
    async with start(scripted(gate)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        world.store.away = True
        gate.opened.set()
        await world.until(lambda: gate.inside == 0)
        assert (await world.task(task_id)).status is Status.PROCESSING
        world.store.away = False
        assert (await world.reaches(task_id, Status.COMPLETED)).output_data == {"paid": True}


async def known_while_away(world: World, gate: Gate) -> str:
    """A task whose result is known while the database is away for longer than the lease."""
    task_id = await world.submit()
    await world.admit()
    await world.until(lambda: gate.inside == 1)
    world.store.away = True
    gate.opened.set()
    await world.until(lambda: gate.inside == 0)
    world.clock.advance(LEASE)
    await world.until(lambda: world.store.turned_away)
    return task_id


async def test_a_result_that_is_known_outlives_the_lease(start: Start) -> None:
    gate = Gate({"paid": True})
    async with start(scripted(gate)) as world:
        task_id = await known_while_away(world, gate)
        first = world.runtime.id
        world.store.away = False
        task = await world.reaches(task_id, Status.COMPLETED)
        assert task.output_data == {"paid": True}
        await world.until(lambda: world.runtime.id != first and world.runtime.well)
        (attempt,) = await world.store.attempts(task_id)
        assert (attempt.worker_id, attempt.outcome) == (first, "completed")


async def test_a_result_that_is_known_too_late_is_not_taken(start: Start) -> None:
    gate = Gate({"paid": True})
    async with start(scripted(gate)) as world:
        task_id = await known_while_away(world, gate)
        first, now = world.runtime.id, world.clock.now()
        await MemoryStore.decide(world.store, [task_id], lambda task: lose(task, Rules(), now))
        world.store.away = False
        await world.until(lambda: world.runtime.id != first and world.runtime.running == 0)
        assert (await world.task(task_id)).status is Status.PENDING
        assert [attempt.outcome for attempt in await world.store.attempts(task_id)] == ["lost"]


async def test_a_result_that_cannot_be_stored_fails_alone(start: Start) -> None:
    async with start(scripted(lambda run: run.input_data)) as world:
        ids = [await world.submit(input_data={"n": n}) for n in range(5)]
        world.store.poisoned = ids[2]
        original = world.store.decide

        async def heal_after_refusal(some: Any, decide: Any, **options: Any) -> Any:
            try:
                return await original(some, decide, **options)
            except RuntimeError:
                if list(some) == [ids[2]]:
                    world.store.poisoned = None
                raise

        world.store.decide = heal_after_refusal  # type: ignore[method-assign,assignment]
        await world.admit()
        tasks = [await world.reaches(task_id, *ENDED) for task_id in ids]
        assert [task.status for task in tasks].count(Status.COMPLETED) == 4
        assert tasks[2].error_code == "result_unstorable"
        assert "too weird" in str(tasks[2].error_message)


@pytest.mark.parametrize(("result", "reason"), [(object(), "JSON"), ({"bad": "\ud800"}, "JSON")])
async def test_results_that_are_no_json_fail_with_the_reason(start: Start, result: object, reason: str) -> None:
    async with start(scripted(lambda run: result)) as world:
        task_id = await world.submit()
        await world.admit()
        task = await world.reaches(task_id, *ENDED)
        assert task.error_code == "result_unstorable"
        assert reason in str(task.error_message)


async def test_a_result_over_the_limit_is_clipped_and_says_so(start: Start) -> None:
    async with start(scripted(lambda run: Completed("x" * 20_000, Usage(total_tokens=7), "Partly."))) as world:
        task_id = await world.submit()
        await world.admit()
        task = await world.reaches(task_id, *ENDED)
        assert (task.status, task.error_code) == (Status.COMPLETED, None)
        assert clipped(task.output_data) == Clipped(20_002, hashlib.sha256(b'"' + b"x" * 20_000 + b'"').hexdigest())
        (attempt,) = await world.store.attempts(task_id)
        assert attempt.usage.total_tokens == 7
        last = (await world.store.logs(task_id, limit=100))[-1].message
        assert "Partly. The result has 20002 bytes and is stored clipped (sha256 " in last


async def test_a_cancel_reaches_the_runner_at_once(start: Start) -> None:
    gate = Gate()
    async with start(scripted(gate)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        await world.control.cancel(task_id)
        assert world.signals.on(WORKERS) == [{"ids": [world.runtime.id]}]
        assert (await world.reaches(task_id, *ENDED)).status is Status.CANCELLED
        assert gate.inside == 0


async def test_a_plain_function_runs_in_a_thread_and_may_heed_a_cancel(start: Start) -> None:
    seen = threading.Event()
    began = threading.Event()

    @runner
    def count_sheep(input_data: Any, run: Any) -> Any:
        began.set()
        while not run.cancelled:
            seen.wait(0.005)
        seen.set()

    async with start(count_sheep) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(began.is_set)
        await world.control.cancel(task_id)
        task = await world.reaches(task_id, *ENDED)
        assert (task.status, task.error_code) == (Status.CANCELLED, "cancel_unconfirmed")
        await world.until(seen.is_set)


async def test_draining_lets_tasks_end_and_hands_back_the_others(start: Start) -> None:
    quick, endless = Gate("done"), Gate()
    both = ScriptedRunner({"*": [lambda run: (quick if run.input_data["quick"] else endless)(run)]})
    async with start(both) as world:
        ends, stays = [await world.submit(input_data={"quick": quick}) for quick in (True, False)]
        await world.admit()
        await world.until(lambda: quick.inside + endless.inside == 2)
        patience = [1000.0]
        drained = asyncio.create_task(world.runtime.drain(lambda: patience[0]))
        quick.opened.set()
        await world.reaches(ends, Status.COMPLETED)
        assert not drained.done()
        patience[0] = 0.0
        await drained
        task = await world.task(stays)
        assert (task.status, task.failures, task.crashes, task.attempt_count) == (Status.PENDING, 0, 0, 1)
        (worker, _), *_ = await world.store.all_workers()
        assert worker.status == "left"


async def test_a_worker_that_a_person_drains_does_what_it_has_and_then_says_so(start: Start) -> None:
    gate = Gate()
    async with start(scripted(gate)) as world:
        mine = [await world.submit(), await world.submit()]
        await world.admit()
        await world.until(lambda: gate.inside == 2)
        entry = Entry(new_id(), world.clock.now(), "ann", "worker.drain", "w")
        assert await world.store.drain_worker(world.runtime.id, entry)
        late = await world.submit()
        assert await world.admit() == []
        beats = world.store.beats
        await world.until(lambda: world.store.beats > beats + 2)
        assert world.drained == []
        gate.opened.set()
        await world.until(lambda: world.drained)
        assert world.drained[0] == 0, "nothing runs any more"
        for task in mine:
            assert (await world.task(task)).status is Status.COMPLETED
        assert (await world.task(late)).status is Status.PENDING


async def test_a_draining_worker_takes_nothing_new(start: Start) -> None:
    gate = Gate()
    async with start(scripted(gate)) as world:
        await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        drained = asyncio.create_task(world.runtime.drain(lambda: 1000.0))
        await world.until(lambda: _draining(world))
        await world.submit()
        assert await world.admit() == []
        gate.opened.set()
        await drained


async def _draining(world: Any) -> bool:
    return bool((await world.store.all_workers())[0][0].status == "draining")


@pytest.mark.parametrize(
    ("task_type", "code"),
    [({"runner": "scripted", "connection": "gone"}, "unknown_connection")],
)
async def test_what_is_missing_is_said(start: Start, task_type: dict[str, Any], code: str) -> None:
    async with start(ScriptedRunner(), odd=task_type) as world:
        task_id = await world.submit("odd")
        await world.admit()
        assert (await world.reaches(task_id, *ENDED)).error_code == code


async def test_a_runner_that_is_not_installed_yet_is_waited_for(start: Start) -> None:
    async with start(ScriptedRunner(), odd={"runner": "missing"}) as world:
        task_id = await world.submit("odd")
        await world.admit()
        task = await world.reaches(task_id, Status.SCHEDULED)
        assert (task.failures, task.deferrals) == (0, 1)
        assert "not installed" in (await world.store.logs(task_id, limit=10))[-1].message


async def test_a_type_defined_a_moment_ago_is_known(start: Start) -> None:
    async with start(ScriptedRunner()) as world:
        await world.catalog.types()
        await world.store.put_task_type(TaskType(name="new", runner="scripted"))
        task = prepare(NewTask("new"), TaskType(name="new", runner="scripted"), world.clock.now(), None)
        await world.store.submit([Submission(task)])
        await world.admit()
        assert (await world.reaches(task.id, *ENDED)).status is Status.COMPLETED


@pytest.mark.parametrize("crime", [SystemExit(3), KeyboardInterrupt(), StopAsyncIteration(), GeneratorExit()])
async def test_nothing_a_runner_raises_harms_the_worker(start: Start, crime: BaseException) -> None:
    async def commit(run: Any) -> Any:
        if run.input_data:
            raise crime

    async with start(scripted(commit)) as world:
        bad, good = [await world.submit(input_data=data, max_attempts=1) for data in ({"bad": 1}, {})]
        await world.admit()
        assert type(crime).__name__ in str((await world.reaches(bad, *ENDED)).error_message)
        assert (await world.reaches(good, *ENDED)).status is Status.COMPLETED


@pytest.mark.parametrize("crime", [SystemExit, StopIteration, KeyboardInterrupt])
async def test_nothing_a_function_in_a_thread_raises_harms_the_worker(start: Start, crime: type[BaseException]) -> None:
    @runner
    def commit(input_data: Any) -> None:
        raise crime

    async with start(commit) as world:
        task_id = await world.submit(max_attempts=1)
        await world.admit()
        task = await world.reaches(task_id, *ENDED)
        assert (task.error_code, crime.__name__ in str(task.error_message)) == ("runner_error", True)


async def test_a_log_line_may_carry_anything(start: Start) -> None:
    async def talk(run: Any) -> None:
        run.log("info", "price \ud800", event="ünusual", price=Decimal("1.50"), odd={1: object()}, bad="\udfff")

    async with start(scripted(talk)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.reaches(task_id, Status.COMPLETED)
        (line,) = [line for line in await world.store.logs(task_id, limit=10) if line.message.startswith("price")]
        assert line.data


async def test_a_runner_that_will_not_let_go_is_left_behind(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_module, "SETTLE", 0.01)
    release = asyncio.Event()

    async def stubborn(run: Any) -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async with start(scripted(stubborn)) as world:
        task_id = await world.submit(timeout=0.05, max_attempts=1)
        await world.admit()
        assert (await world.reaches(task_id, *ENDED)).error_code == "timeout"
        release.set()


async def test_a_known_result_is_not_thrown_away_at_a_stop(start: Start) -> None:
    gate = Gate("paid for")
    async with start(scripted(gate)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        world.store.away = True
        gate.opened.set()
        await world.until(lambda: gate.inside == 0)
        drained = asyncio.create_task(world.runtime.drain(lambda: 0.0))
        await asyncio.sleep(0.05)
        assert not drained.done()
        world.store.away = False
        await drained
        task = await world.task(task_id)
        assert (task.status, task.output_data) == (Status.COMPLETED, "paid for")


async def test_log_lines_arrive_while_the_attempt_runs_and_in_order(start: Start) -> None:
    gate = Gate()

    async def talk(run: Any) -> None:
        for number in range(3):
            run.log("info", f"line {number}", step=number)
        await gate(run)
        run.log("warning", "x" * 50_000)

    async with start(scripted(talk)) as world:
        task_id = await world.submit()
        await world.admit()

        async def three() -> bool:
            return len(await world.store.logs(task_id, limit=10)) == 5

        await world.until(three)
        await world.until(lambda: {"kind": "log"} in world.signals.on(task_topic(task_id)))
        gate.opened.set()
        await world.reaches(task_id, Status.COMPLETED)
        lines = await world.store.logs(task_id, limit=10)
        assert [line.message for line in lines][2:5] == ["line 0", "line 1", "line 2"]
        assert lines[3].data == {"step": 1}
        assert lines[5].message.endswith("… (50000 bytes in all)")
        assert lines[6].event == "task.completed"


@pytest.mark.parametrize("ends", ["meanwhile", "later"])
async def test_log_lines_whose_fate_is_unknown_are_written_once(start: Start, ends: str) -> None:
    """Also the last ones: an attempt that ends meanwhile must not take them along."""
    gate = Gate()

    async def talk(run: Any) -> None:
        run.log("info", "once")
        await gate(run)
        run.log("info", "at last")

    async with start(scripted(talk)) as world:
        world.store.lost_answers = 3
        task_id = await world.submit()
        await world.admit()
        seen = 2 if ends == "meanwhile" else 0
        await world.until(lambda: world.store.lost_answers == seen)
        gate.opened.set()
        await world.reaches(task_id, Status.COMPLETED)
        lines = await world.store.logs(task_id, limit=10)
        assert [line.message for line in lines][2:4] == ["once", "at last"]
        assert [line.event for line in lines][4:] == ["task.completed"]


async def test_a_runners_state_is_stored_before_it_goes_on(start: Start) -> None:
    gate = Gate()

    async def begin(run: Any) -> None:
        await run.save({"run_id": "r-1"})
        await gate(run)

    async with start(scripted(begin)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        assert (await world.task(task_id)).runner_state == {"run_id": "r-1", "saved_by": 1}
        gate.opened.set()
        await world.reaches(task_id, Status.COMPLETED)
        assert (await world.store.attempts(task_id))[0].runner_state == {"run_id": "r-1", "saved_by": 1}


async def test_a_runner_that_saves_for_a_task_it_has_lost_is_stopped(start: Start) -> None:
    went_on: list[str] = []
    gate = Gate()

    async def begin(run: Any) -> None:
        await gate(run)
        await run.save({"run_id": "r-1"})
        went_on.append(run.task_id)

    async with start(scripted(begin)) as world:
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        await world.store.decide([task_id], lambda task: lose(task, Rules(), world.clock.now()))
        gate.opened.set()
        await world.until(lambda: world.runtime.running == 0)
        assert went_on == []
