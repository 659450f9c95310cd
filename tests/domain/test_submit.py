"""Submit: check, prepare, store, wake."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.system import System
from tradefree.errors import IdempotencyMismatch, InvalidInput
from tradefree.tasks.ports import DISPATCH, Accepted
from tradefree.tasks.states import Status
from tradefree.tasks.submit import HORIZON, MAX_BATCH, NewTask, prepare, request_hash
from tradefree.tasks.task import Task, lane_of, sort_at, type_of_lane
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import START

NOW = START
ECHO = TaskType(name="echo", runner="echo")


def prepared(**values: Any) -> Task:
    return prepare(NewTask("echo", **values), ECHO, NOW, None)


# ── prepare ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plain_task() -> None:
    task = prepared(input_data={"a": 1}, labels={"x": "y"}, timeout=5.0, max_attempts=2, callback_url="https://e.com")
    assert (task.status, task.type, task.lane) == (Status.PENDING, "echo", "echo/")
    assert task.created_at == task.updated_at == task.run_at == task.sort_at == NOW
    assert (task.input_data, task.labels, task.timeout, task.max_attempts) == ({"a": 1}, {"x": "y"}, 5.0, 2)
    assert (task.attempt_count, task.worker_id, task.holds_slot, task.expires_at) == (0, None, False, None)


def test_ids_rise() -> None:
    ids = [prepared().id for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_delay_and_run_at() -> None:
    delayed, timed = prepared(delay=1.5), prepared(run_at=NOW + timedelta(seconds=1.5))
    for task in (delayed, timed):
        assert task.status is Status.SCHEDULED
        assert task.run_at == task.sort_at == NOW + timedelta(seconds=1.5)


@pytest.mark.parametrize("values", [{"delay": 0.0}, {"run_at": NOW}, {"run_at": NOW - timedelta(days=1000)}])
def test_what_is_due_is_pending(values: dict[str, Any]) -> None:
    task = prepared(**values)
    assert (task.status, task.run_at, task.sort_at) == (Status.PENDING, NOW, NOW)


def test_priority_is_worth_ten_seconds_a_step() -> None:
    assert prepared(priority=100).sort_at == NOW - timedelta(seconds=1000)
    assert prepared(priority=-100).sort_at == NOW + timedelta(seconds=1000)
    assert prepared(priority=6).sort_at == sort_at(NOW, 6) < sort_at(NOW - timedelta(seconds=59), 0)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"delay": 1.0, "run_at": NOW}, "run_at"),
        ({"delay": 0.0, "run_at": NOW}, "run_at"),
        ({"delay": HORIZON.total_seconds() + 1}, "delay"),
        ({"run_at": NOW + HORIZON + timedelta(seconds=1)}, "run_at"),
        ({"expires_in": 0.0}, "expires_in"),
        ({"expires_in": -1.0}, "expires_in"),
        ({"delay": 60.0, "expires_in": 60.0}, "expires_in"),
        ({"run_at": NOW + timedelta(seconds=60), "expires_in": 59.0}, "expires_in"),
    ],
)
def test_nonsense_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        prepared(**values)
    assert error.value.field == field


def test_expiry_counts_from_the_submit() -> None:
    assert prepared(delay=60.0, expires_in=61.0).expires_at == NOW + timedelta(seconds=61)


def test_input_that_the_schema_refuses() -> None:
    strict = TaskType(name="echo", runner="echo", input_schema={"type": "object", "required": ["a"]})
    with pytest.raises(InvalidInput) as error:
        prepare(NewTask("echo"), strict, NOW, None)
    assert error.value.field == "input_data"


# ── lanes and hashes ────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_that_look_alike_have_lanes_of_their_own() -> None:
    keys = ["abc", "ABC", "àbc", "a\u0300bc", "abc ", " abc", "abc\n", "ａｂｃ", "", "abc" * 1000, None, "None", "客户"]
    lanes = [lane_of("echo", key) for key in keys]
    assert len(set(lanes)) == len(keys)
    assert all(len(lane) <= 96 and lane.isascii() for lane in lanes)
    assert len(lane_of("a" * 63, "k")) <= 96


def test_lanes_of_types_do_not_meet() -> None:
    assert lane_of("a", "k") != lane_of("b", "k")
    for name in ("a", "a.b", "a-b", "a" * 63):
        assert type_of_lane(lane_of(name, "k")) == type_of_lane(lane_of(name, None)) == name


def test_the_same_request_has_the_same_hash() -> None:
    first = NewTask("echo", {"a": 1, "b": {"c": 2, "d": 3}}, labels={"x": "1", "y": "2"})
    second = NewTask("echo", {"b": {"d": 3, "c": 2}, "a": 1}, labels={"y": "2", "x": "1"})
    assert request_hash(first) == request_hash(second)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "other"},
        {"input_data": {"a": 2}},
        {"input_data": {"a": "1"}},
        {"input_data": {"a": True}},
        {"input_data": {"a": 1, "b": None}},
        {"concurrency_key": ""},
        {"priority": 1},
        {"delay": 0.0},
        {"run_at": NOW},
        {"expires_in": 1.0},
        {"timeout": 1.0},
        {"max_attempts": 1},
        {"labels": {"a": ""}},
        {"callback_url": "https://e.com"},
    ],
    ids=repr,
)
def test_another_request_has_another_hash(change: dict[str, Any]) -> None:
    first = NewTask("echo", {"a": 1})
    assert request_hash(first) != request_hash(replace(first, **change))


# ── submitter ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_accepted_is_stored_and_the_dispatcher_is_woken(system: System) -> None:
    await system.define()
    task = await system.submit(input_data={"a": 1}, concurrency_key="k")
    assert await system.see(task) == task
    assert system.signals.on(DISPATCH) == [{"lanes": [task.lane]}]


async def test_an_unknown_type_is_refused_and_the_known_are_named(system: System) -> None:
    with pytest.raises(InvalidInput, match="none is defined yet"):
        await system.submit("nope")
    await system.define("echo")
    with pytest.raises(InvalidInput, match="known: echo") as error:
        await system.submit("x" * 1000)
    assert error.value.field == "type"
    assert len(error.value.reason) < 200
    assert system.signals.published == []


async def test_replays_and_mismatches(system: System) -> None:
    await system.define()
    first = await system.accept(key="k", input_data={"a": 1})
    again = await system.accept(key="k", input_data={"a": 1})
    assert again == Accepted(first.task, replayed=True)
    with pytest.raises(IdempotencyMismatch):
        await system.accept(key="k", input_data={"a": 2})
    assert len(system.signals.on(DISPATCH)) == 1


async def test_a_replay_is_known_although_time_has_passed(system: System) -> None:
    """The hash is of what was said, not of what the clock made of it."""
    await system.define()
    first = await system.accept(key="k", delay=60.0, expires_in=600.0)
    system.clock.advance(30)
    assert (await system.accept(key="k", delay=60.0, expires_in=600.0)).task.id == first.task.id


async def test_many_at_the_same_time_are_all_stored(system: System) -> None:
    await system.define()
    tasks = await asyncio.gather(*(system.submit(input_data={"n": n}) for n in range(500)))
    assert [(await system.see(task)).input_data["n"] for task in tasks] == list(range(500))
    assert len(system.signals.on(DISPATCH)) < 10, "they shared transactions"


async def test_one_bad_task_does_not_harm_the_others(system: System) -> None:
    await system.define()
    outcomes = await asyncio.gather(
        system.submit(),
        system.submit("nope"),
        system.submit(delay=-1.0, run_at=NOW),
        system.submit(),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Task, InvalidInput, InvalidInput, Task]


async def test_a_batch_has_an_outcome_for_each_in_order(system: System) -> None:
    await system.define()
    earlier = await system.accept(key="old")
    outcomes = await system.submitter.submit_many(
        [
            (NewTask("echo"), None),
            (NewTask("nope"), None),
            (NewTask("echo"), "old"),
            (NewTask("echo", priority=1), "old"),
            (NewTask("echo", expires_in=-1.0), None),
            (NewTask("echo"), "new"),
        ]
    )
    kinds = [o.replayed if isinstance(o, Accepted) else type(o) for o in outcomes]
    assert kinds == [False, InvalidInput, True, IdempotencyMismatch, InvalidInput, False]
    assert isinstance(outcomes[2], Accepted)
    assert outcomes[2].task.id == earlier.task.id


async def test_a_batch_of_only_bad_ones_and_of_none(system: System) -> None:
    (outcome,) = await system.submitter.submit_many([(NewTask("nope"), None)])
    assert isinstance(outcome, InvalidInput)
    assert await system.submitter.submit_many([]) == []


async def test_too_large_a_batch(system: System) -> None:
    await system.define()
    with pytest.raises(InvalidInput, match=str(MAX_BATCH)):
        await system.submitter.submit_many([(NewTask("echo"), None)] * (MAX_BATCH + 1))
    assert len(await system.submitter.submit_many([(NewTask("echo"), None)] * MAX_BATCH)) == MAX_BATCH
