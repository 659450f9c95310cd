"""Submit: what was accepted is stored, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.errors import IdempotencyMismatch
from tradefree.ids import new_id
from tradefree.tasks.ports import Accepted, Submission, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import Json, Task
from tradefree.testing.clock import FrozenClock


def accepted(outcome: Accepted | Exception) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


async def number_of_tasks(store: AnyStore) -> int:
    return len(await store.find(TaskFilter(), limit=5000))


async def test_everything_about_a_task_comes_back(acts: Acts, clock: FrozenClock) -> None:
    now = clock.now()
    task = acts.task(
        run_in=61.000001,
        concurrency_key="customer 7",
        priority=-100,
        labels={"shop": "de", "channel": "amazon"},
        input_data={"order": 1},
        expires_at=now + timedelta(hours=1),
        timeout=12.5,
        max_attempts=7,
        callback_url="https://example.com/done?x=1",
        submitted_by=new_id(),
    )
    await acts.submit(task)
    assert await acts.see(task) == task


async def test_the_outcome_is_the_stored_task(acts: Acts, store: AnyStore) -> None:
    task = acts.task(input_data={"a": 1})
    (outcome,) = await store.submit([Submission(task)])
    assert accepted(outcome) == Accepted(task, replayed=False)


async def test_no_submissions_no_outcomes(store: AnyStore) -> None:
    assert await store.submit([]) == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        0,
        -1,
        2**53,
        1.5,
        1e-300,
        "",
        "text",
        False,
        True,
        {"nested": [{"deep": [None, {"": ""}]}]},
        {
            "zh": "订单已创建，请总结",
            "emoji": "📦👩‍👩‍👧‍👦🇨🇳",
            "rtl": "שלום",
            "combining": "e\u0301 ≠ \u00e9",
            "astral": "\U0001f9ff",
        },
        {"quotes": "'\"`\\ \n\r\t%_{}[]$", "markup": "<script>alert(1)</script>", "sql": "'; DROP TABLE tasks; --"},
        {"z": 1, "a": 2, "m": 3},
        {"big": "長" * 200_000},
        {"many": list(range(20_000))},
        {"line separators": "\u2028\u2029\x85\x01\x7f"},
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_payloads_come_back_as_they_were(acts: Acts, value: Json) -> None:
    task = await acts.submitted(input_data=value)
    found = (await acts.see(task)).input_data
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, dict):
        assert list(found) == list(value), "the order of the keys"


async def test_the_store_shares_nothing_with_its_caller(acts: Acts, store: AnyStore) -> None:
    task = acts.task(input_data={"items": [1]}, labels={"a": "b"})
    await acts.submit(task)
    task.input_data["items"].append(2)
    task.labels["c"] = "d"
    task.status = Status.FAILED
    seen = await acts.see(task)
    assert (seen.input_data, seen.labels, seen.status) == ({"items": [1]}, {"a": "b"}, Status.PENDING)
    seen.input_data["items"].append(3)
    assert (await acts.see(task)).input_data == {"items": [1]}


@pytest.mark.parametrize("microsecond", [0, 1, 999_999, 123_000])
async def test_times_keep_their_microseconds(acts: Acts, microsecond: int) -> None:
    moment = datetime(2026, 3, 29, 1, 59, 59, microsecond, tzinfo=timezone(timedelta(hours=8)))
    task = await acts.submitted(run_at=moment, sort_at=moment, expires_at=moment, created_at=moment)
    seen = await acts.see(task)
    assert (seen.run_at, seen.sort_at, seen.expires_at, seen.created_at) == (moment,) * 4
    assert seen.run_at.utcoffset() == timedelta(0)


async def test_the_first_log_line(acts: Acts, store: AnyStore) -> None:
    now, later = await acts.submitted(), await acts.submitted(run_in=60)
    (line,) = await store.logs(now.id, limit=10)
    assert (line.event, line.level, line.message, line.attempt) == ("task.accepted", "info", "Accepted.", 0)
    assert line.created_at == now.created_at
    (line,) = await store.logs(later.id, limit=10)
    assert f"not before {later.run_at:%Y-%m-%d %H:%M:%S} UTC" in line.message


async def test_a_repeated_unit_stores_nothing_twice(acts: Acts, store: AnyStore) -> None:
    """Nobody knows whether a commit that was not answered took place, so the same unit is sent again."""
    submissions = [Submission(acts.task()), Submission(acts.task(), key="k", request_hash="h")]
    first = await store.submit(submissions)
    second = await store.submit(submissions)
    assert [accepted(o).task.id for o in second] == [accepted(o).task.id for o in first]
    assert await number_of_tasks(store) == 2
    for submission in submissions:
        assert len(await store.logs(submission.task.id, limit=10)) == 1


# ── idempotency keys ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_key_and_request_is_the_same_task(acts: Acts, store: AnyStore) -> None:
    first, second = acts.task(input_data={"n": 1}), acts.task(input_data={"n": 1})
    await store.submit([Submission(first, "key", "hash")])
    (outcome,) = await store.submit([Submission(second, "key", "hash")])
    assert accepted(outcome).replayed
    assert accepted(outcome).task == first
    assert await store.task(second.id) is None
    assert len(await store.logs(first.id, limit=10)) == 1


async def test_a_replay_shows_the_task_as_it_is_now(acts: Acts, store: AnyStore) -> None:
    task = acts.task()
    await store.submit([Submission(task, "key", "hash")])
    await acts.enlist()
    await acts.admit(task)
    (outcome,) = await store.submit([Submission(acts.task(), "key", "hash")])
    assert accepted(outcome).task.status is Status.QUEUED


async def test_the_same_key_with_another_request_is_refused(acts: Acts, store: AnyStore) -> None:
    await store.submit([Submission(acts.task(), "key", "hash")])
    other = acts.task()
    (outcome,) = await store.submit([Submission(other, "key", "other hash")])
    assert isinstance(outcome, IdempotencyMismatch)
    assert outcome.field == "Idempotency-Key"
    assert await store.task(other.id) is None
    assert await store.logs(other.id, limit=10) == []


@pytest.mark.parametrize(
    "other", ["KEY", "kèy", "key ", " key", "key\u0000", "ｋｅｙ", "ke\u0301y", "k\u00e9y", "key" * 500, "键", "🔑", ""]
)
async def test_keys_that_look_alike_are_different(acts: Acts, store: AnyStore, other: str) -> None:
    outcomes = await store.submit([Submission(acts.task(), "key", "a"), Submission(acts.task(), other, "b")])
    again = await store.submit([Submission(acts.task(), "key", "a"), Submission(acts.task(), other, "b")])
    assert [accepted(o).replayed for o in outcomes] == [False, False]
    assert [accepted(o).task.id for o in again] == [accepted(o).task.id for o in outcomes]


async def test_keys_belong_to_their_submitter(acts: Acts, store: AnyStore) -> None:
    tasks = [acts.task(submitted_by=by) for by in (None, "a", "b")]
    outcomes = await store.submit([Submission(task, "key", task.id) for task in tasks])
    assert [accepted(o).task.id for o in outcomes] == [task.id for task in tasks]


async def test_a_batch_with_a_replay_and_a_mismatch_in_it(acts: Acts, store: AnyStore) -> None:
    await store.submit([Submission(old := acts.task(), "old", "h")])
    new, unkeyed, inside = acts.task(), acts.task(), acts.task()
    outcomes = await store.submit(
        [
            Submission(new, "new", "h"),
            Submission(acts.task(), "old", "h"),
            Submission(acts.task(), "old", "other"),
            Submission(unkeyed),
            Submission(inside, "inside", "h"),
            Submission(acts.task(), "inside", "h"),
            Submission(acts.task(), "inside", "other"),
        ]
    )
    kinds = [type(o).__name__ if isinstance(o, Exception) else (o.task.id, o.replayed) for o in outcomes]
    assert kinds == [
        (new.id, False),
        (old.id, True),
        "IdempotencyMismatch",
        (unkeyed.id, False),
        (inside.id, False),
        (inside.id, True),
        "IdempotencyMismatch",
    ]
    assert await number_of_tasks(store) == 4


async def test_the_same_key_at_the_same_time_makes_one_task(acts: Acts, store: AnyStore) -> None:
    tasks = [acts.task() for _ in range(20)]
    answers = await asyncio.gather(*(store.submit([Submission(task, "key", "h")]) for task in tasks))
    outcomes = [accepted(answer[0]) for answer in answers]
    assert len({outcome.task.id for outcome in outcomes}) == 1
    assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * 19
    assert await number_of_tasks(store) == 1


# ── many ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_thousand_at_once(acts: Acts, store: AnyStore) -> None:
    tasks = [acts.task(input_data={"n": n}, labels={"n": str(n)}) for n in range(1000)]
    outcomes = await store.submit([Submission(task, f"key {n}", "h") for n, task in enumerate(tasks)])
    assert [accepted(o).task.id for o in outcomes] == [task.id for task in tasks]
    again = await store.submit([Submission(replace(t, id=new_id()), f"key {n}", "h") for n, t in enumerate(tasks)])
    assert [accepted(o).task.id for o in again] == [task.id for task in tasks]
    assert all(accepted(o).replayed for o in again)
    assert await number_of_tasks(store) == 1000


async def test_one_that_cannot_be_stored_leaves_nothing_of_its_batch(acts: Acts, store: AnyStore) -> None:
    good, bad = acts.task(), acts.task(input_data={"x": object()})
    with pytest.raises(Exception, match=r"(?i)json|serializable"):
        await store.submit([Submission(good, "key", "h"), Submission(bad)])
    assert await number_of_tasks(store) == 0
    (outcome,) = await store.submit([Submission(good, "key", "h")])
    assert not accepted(outcome).replayed


async def test_submitters_at_the_same_time(acts: Acts, store: AnyStore) -> None:
    async def submit(number: int) -> list[Task]:
        tasks = [acts.task(concurrency_key=str(number)) for _ in range(number)]
        await acts.submit(*tasks)
        return tasks

    stored = await asyncio.gather(*(submit(number) for number in range(1, 11)))
    assert await number_of_tasks(store) == sum(len(tasks) for tasks in stored) == 55
