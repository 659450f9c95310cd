"""Lists, details, logs, counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import product

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.database.stores import ways
from tradefree.ids import new_id
from tradefree.tasks.ports import Known, Place, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import LogLine, Task
from tradefree.tasks.transitions import cancel, revive
from tradefree.testing.clock import FrozenClock


async def ids(store: AnyStore, wanted: TaskFilter) -> list[str]:
    return [task.id for task in await store.find(wanted, limit=1000)]


async def test_numbers_by_type(acts: Acts, store: AnyStore) -> None:
    for name in ("a", "b", "a"):
        await acts.submitted(name)
    await acts.completed("a")
    assert await store.numbers(TaskFilter(), limit=10) == {"a": 3, "b": 1}
    assert await store.numbers(TaskFilter(statuses=(Status.PENDING,)), limit=10) == {"a": 2, "b": 1}
    assert await store.numbers(TaskFilter(), limit=2) == {"a": 2}
    assert await store.numbers(TaskFilter(only_types=()), limit=10) == {}


# ── details ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_payloads_only_when_asked_for(acts: Acts, store: AnyStore) -> None:
    task = await acts.completed(input_data={"in": 1}, output={"out": 2})
    for with_payloads, payloads in ((True, ({"in": 1}, {"out": 2})), (False, (None, None))):
        seen = await store.task(task.id, payloads=with_payloads)
        (found,) = await store.find(TaskFilter(), limit=1, payloads=with_payloads)
        assert seen == found
        assert seen is not None
        assert (seen.input_data, seen.output_data) == payloads


@pytest.mark.parametrize("task_id", ["", "nope", "%", "_" * 36, "'; --", "\x00", "é"])
async def test_no_such_task(acts: Acts, store: AnyStore, task_id: str) -> None:
    await acts.submitted()
    assert await store.task(task_id) is None
    assert await store.attempts(task_id) == []
    assert await store.logs(task_id, limit=10) == []


async def test_an_id_in_capitals_is_another_id(acts: Acts, store: AnyStore) -> None:
    task = await acts.submitted()
    assert task.id.upper() != task.id
    assert await store.task(task.id.upper()) is None


# ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_newest_first(acts: Acts, store: AnyStore) -> None:
    tasks = [await acts.submitted() for _ in range(5)]
    assert await ids(store, TaskFilter()) == [task.id for task in reversed(tasks)]


@pytest.mark.parametrize("size", [1, 2, 7, 10, 100])
async def test_pages_have_no_gaps_and_no_repeats(acts: Acts, store: AnyStore, size: int) -> None:
    """New tasks arrive between the pages and old ones move."""
    tasks = [acts.task("a" if n % 2 else "b") for n in range(21)]
    await acts.submit(*tasks)
    seen: list[str] = []
    before: str | None = None
    while page := await store.find(TaskFilter(types=("a",)), limit=size, below=Place(before) if before else None):
        assert len(page) <= size
        seen += [task.id for task in page]
        before = page[-1].id
        await acts.submitted("a")
        await store.decide([before], lambda t: cancel(t, acts.clock.now()))
    assert seen == [task.id for task in reversed(tasks) if task.type == "a"]


async def many(acts: Acts) -> list[Task]:
    """A task for each combination of what can be filtered by, one second apart."""
    tasks: list[Task] = []
    for type_, key, by, shop in product(("a", "b"), (None, "k"), (None, "ann"), ("de", "fr")):
        tasks.append(
            acts.task(type_, concurrency_key=key, submitted_by=by, labels={"shop": shop, "n": str(len(tasks) % 3)})
        )
        acts.clock.advance(1)
    await acts.submit(*tasks)
    await acts.store.decide([task.id for task in tasks[::3]], lambda t: cancel(t, acts.clock.now()))
    return [await acts.see(task) for task in tasks]


async def test_all_combinations_of_filters(acts: Acts, store: AnyStore) -> None:
    tasks = await many(acts)
    middle = tasks[8].created_at
    statuses: list[tuple[Status, ...]] = [(), (Status.CANCELLED,), (Status.PENDING, Status.CANCELLED)]
    labels: list[dict[str, str]] = [{}, {"shop": "de"}, {"shop": "de", "n": "1"}, {"shop": "1"}]
    for status, types, key, label, by, only, (after, before) in product(
        statuses,
        ((), ("a",), ("a", "b", "zzz")),
        (None, "k"),
        labels,
        (None, "ann"),
        (None, ("b",)),
        ((None, None), (middle, None), (None, middle)),
    ):
        wanted = TaskFilter(
            statuses=status,
            types=types,
            concurrency_key=key,
            labels=label,
            submitted_by=by,
            only_types=only,
            created_after=after,
            created_before=before,
        )
        expected = [
            task.id
            for task in reversed(tasks)
            if (not status or task.status in status)
            and (not types or task.type in types)
            and (key is None or task.concurrency_key == key)
            and all(task.labels.get(name) == value for name, value in label.items())
            and (by is None or task.submitted_by == by)
            and (only is None or task.type in only)
            and (after is None or task.created_at > after)
            and (before is None or task.created_at < before)
        ]
        assert await ids(store, wanted) == expected, wanted


@pytest.mark.parametrize("distance", [1, 3, 1000])
async def test_whichever_way_is_taken_the_same_is_found(
    acts: Acts, store: AnyStore, monkeypatch: pytest.MonkeyPatch, distance: int
) -> None:
    """Tried over a short distance, all ways look alike."""
    monkeypatch.setattr(ways, "TRIAL", distance)
    tasks = await many(acts)
    wanted = TaskFilter(
        statuses=(Status.PENDING,), types=("a", "b"), labels={"n": "1", "shop": "fr"}, submitted_by="ann"
    )
    expected = [
        task.id
        for task in reversed(tasks)
        if task.status is Status.PENDING and task.labels == {"n": "1", "shop": "fr"} and task.submitted_by == "ann"
    ]
    assert expected
    assert await ids(store, wanted) == expected
    assert [task.id for task in await store.find(wanted, limit=1, below=Place(expected[0]))] == expected[1:2]


async def test_pages_of_several_statuses_are_in_one_order(acts: Acts, store: AnyStore) -> None:
    tasks = await many(acts)
    wanted = TaskFilter(statuses=(Status.PENDING, Status.CANCELLED, Status.FAILED))
    seen: list[str] = []
    while page := await store.find(wanted, limit=3, below=Place(seen[-1]) if seen else None):
        seen += [task.id for task in page]
    assert seen == [task.id for task in reversed(tasks)]


async def ended(acts: Acts) -> list[Task]:
    """Tasks that ended in another order than they were created in, one second apart; among them some that live."""
    tasks = await many(acts)
    for task in reversed([task for task in tasks if not task.terminal][::2]):
        acts.clock.advance(1)
        await acts.store.decide([task.id], lambda t: cancel(t, acts.clock.now()))
    return [await acts.see(task) for task in tasks]


async def test_by_the_end_the_last_to_end_is_the_first(acts: Acts, store: AnyStore) -> None:
    tasks = await ended(acts)
    done = sorted((t for t in tasks if t.finished_at), key=lambda t: (t.finished_at, t.id), reverse=True)
    moments = [task.finished_at for task in done]
    for after, before, types, status, label in product(
        (None, moments[3], moments[-1]),
        (None, moments[1], moments[-1]),
        ((), ("a",)),
        ((), (Status.CANCELLED,), (Status.PENDING,)),
        ({}, {"shop": "de"}),
    ):
        if after is before is None:
            continue
        wanted = TaskFilter(status, types, labels=label, finished_after=after, finished_before=before)
        assert await ids(store, wanted) == [
            task.id
            for task, at in zip(done, moments, strict=True)
            if at
            and (after is None or at > after)
            and (before is None or at < before)
            and (not types or task.type in types)
            and (not status or task.status in status)
            and label.items() <= task.labels.items()
        ], wanted


@pytest.mark.parametrize("distance", [1, 1000])
@pytest.mark.parametrize("types", [(), ("a", "b")])
async def test_pages_by_the_end_have_no_gaps(
    acts: Acts, store: AnyStore, monkeypatch: pytest.MonkeyPatch, types: tuple[str, ...], distance: int
) -> None:
    """What was on every other page is retried before the next is read: its end is gone. Several ended at once."""
    monkeypatch.setattr(ways, "TRIAL", distance)
    tasks = await ended(acts)
    done = sorted((t for t in tasks if t.finished_at), key=lambda t: (t.finished_at, t.id), reverse=True)
    wanted = TaskFilter(types=types, finished_after=tasks[0].created_at)
    seen: list[str] = []
    below: Place | None = None
    while page := await store.find(wanted, limit=3, below=below):
        seen += [task.id for task in page]
        below = wanted.place(page[-1])
        if len(seen) % 2:
            await store.decide([task.id for task in page], lambda t: revive(t, acts.clock.now()))
        assert len(seen) <= len(done)
    assert seen == [task.id for task in done]


async def test_what_tasks_are_known_by_is_read_of_the_newest(acts: Acts, store: AnyStore) -> None:
    tasks = await many(acts)
    assert await store.known(TaskFilter(), newest=3) == [
        Known(task.type, task.concurrency_key, task.labels) for task in reversed(tasks[-3:])
    ]
    mine = await store.known(TaskFilter(submitted_by="ann", only_types=("a",)), newest=50)
    assert [one.type for one in mine] == ["a"] * 4
    assert await store.known(TaskFilter(types=("a",), only_types=("b",)), newest=50) == []


async def test_who_may_see_no_type_sees_nothing(acts: Acts, store: AnyStore) -> None:
    await acts.submitted()
    assert await ids(store, TaskFilter(only_types=())) == []
    assert await ids(store, TaskFilter(types=("echo",), only_types=("other",))) == []


async def test_the_bounds_of_the_time_are_outside(acts: Acts, store: AnyStore) -> None:
    task = await acts.submitted()
    tick = timedelta(microseconds=1)
    assert await ids(store, TaskFilter(created_after=task.created_at)) == []
    assert await ids(store, TaskFilter(created_before=task.created_at)) == []
    both = TaskFilter(created_after=task.created_at - tick, created_before=task.created_at + tick)
    assert await ids(store, both) == [task.id]


@pytest.mark.parametrize("key", ["Kunde", "kunde", "kundé", "kunde ", "", "%", "客户"])
async def test_keys_that_look_alike_are_found_apart(acts: Acts, store: AnyStore, key: str) -> None:
    keys = ["Kunde", "kunde", "kundé", "kunde ", "", "%", "客户", None]
    tasks = {k: await acts.submitted(concurrency_key=k) for k in keys}
    assert await ids(store, TaskFilter(concurrency_key=key)) == [tasks[key].id]


@pytest.mark.parametrize("value", ["de", "DE", "dé", "de ", "", "德国"])
async def test_labels_that_look_alike_are_found_apart(acts: Acts, store: AnyStore, value: str) -> None:
    values = ["de", "DE", "dé", "de ", "", "德国"]
    tasks = {v: await acts.submitted(labels={"shop": v}) for v in values}
    await acts.submitted(labels={"Shop": value})
    await acts.submitted()
    assert await ids(store, TaskFilter(labels={"shop": value})) == [tasks[value].id]


async def test_text_is_looked_for_in_key_labels_error_and_id(acts: Acts, store: AnyStore) -> None:
    by_key = await acts.submitted(concurrency_key="customer needle 7")
    by_label = await acts.submitted(labels={"note": "a needle here"})
    by_error = await acts.failed(message="There was a needle in it.")
    await acts.submitted(input_data={"needle": "needle"})
    assert await ids(store, TaskFilter(text="needle")) == [by_error.id, by_label.id, by_key.id]
    assert await ids(store, TaskFilter(text=by_key.id)) == [by_key.id]
    assert by_key.id in await ids(store, TaskFilter(text=by_key.id[:30]))
    assert by_key.id not in await ids(store, TaskFilter(text=by_key.id[1:]))
    assert await ids(store, TaskFilter(text="needle", types=("other",))) == []


@pytest.mark.parametrize("text", ["%", "_", "100%", "a_c", "\\", "'", '"quoted"', "客户", "ü"])
async def test_text_is_only_text(acts: Acts, store: AnyStore, text: str) -> None:
    await acts.submitted(concurrency_key="100 abc")
    await acts.submitted(labels={"x": "plain"})
    by_key = await acts.submitted(concurrency_key=f"<{text}>")
    by_label = await acts.submitted(labels={"x": f"<{text}>"})
    assert await ids(store, TaskFilter(text=text)) == [by_label.id, by_key.id]


async def test_text_is_not_looked_for_in_names_of_labels(acts: Acts, store: AnyStore) -> None:
    """Else every task with a label would be found by a quote, a colon or the label's name."""
    await acts.submitted(labels={"shop": "de"})
    for text in ("shop", ":", "{", '"'):
        assert await ids(store, TaskFilter(text=text)) == [], text


# ── logs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_log_lines_in_the_order_they_were_written(acts: Acts, store: AnyStore) -> None:
    one, two = await acts.submitted(), await acts.submitted()
    for n in range(20):
        await store.append_logs([acts.line(one, f"one {n}"), acts.line(two, f"two {n}"), acts.line(one, f"1 {n}")])
    lines = await store.logs(one.id, limit=100)
    assert [line.message for line in lines[1:]] == [text for n in range(20) for text in (f"one {n}", f"1 {n}")]
    assert [line.id for line in lines] == sorted({line.id for line in lines})
    assert {line.task_id for line in lines} == {one.id}


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_pages_of_a_log(acts: Acts, store: AnyStore, size: int) -> None:
    task = await acts.submitted()
    await store.append_logs([acts.line(task, str(n)) for n in range(20)])
    whole = await store.logs(task.id, limit=100)
    paged: list[LogLine] = []
    while page := await store.logs(task.id, after=paged[-1].id if paged else 0, limit=size):
        assert len(page) <= size
        paged += page
    assert paged == whole
    assert await store.logs(task.id, after=whole[-1].id, limit=10) == []


async def test_log_lines_of_a_level_and_above(acts: Acts, store: AnyStore) -> None:
    task = await acts.submitted()
    levels = ("debug", "info", "warning", "error")
    await store.append_logs([acts.line(task, level, level) for level in levels])
    for index, level in enumerate(levels):
        found = [line.message for line in await store.logs(task.id, limit=10, level=level) if line.event == "note"]
        assert found == list(levels[index:])


async def test_lines_written_at_the_same_time_are_all_there(acts: Acts, store: AnyStore) -> None:
    task = await acts.submitted()
    await asyncio.gather(*(store.append_logs([acts.line(task, f"{n}.{part}") for part in range(5)]) for n in range(20)))
    messages = [line.message for line in await store.logs(task.id, limit=1000)][1:]
    assert Counter(messages) == Counter(f"{n}.{part}" for n in range(20) for part in range(5))
    for n in range(20):
        assert [m for m in messages if m.startswith(f"{n}.")] == [f"{n}.{part}" for part in range(5)]


# ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_counts(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    assert await store.counts() == {}
    await acts.submit(*(acts.task("a", concurrency_key=str(n)) for n in range(3)), acts.task("a", run_in=9))
    await acts.running("a")
    await acts.completed("a")
    await acts.completed("a")
    await acts.failed("b")
    await acts.admit(queued := await acts.submitted("b"))
    await store.decide([(await acts.submitted("b")).id], lambda t: cancel(t, clock.now()))
    found = {type_: {s: n for s, n in of_type.items() if n} for type_, of_type in (await store.counts()).items()}
    assert found == {
        "a": {Status.PENDING: 3, Status.SCHEDULED: 1, Status.PROCESSING: 1, Status.COMPLETED: 2},
        "b": {Status.FAILED: 1, Status.QUEUED: 1, Status.CANCELLED: 1},
    }
    assert set((await store.counts())["a"]) == set(Status), "every status is named"
    assert await acts.status(queued) is Status.QUEUED


async def test_counts_of_types_with_like_names(acts: Acts, store: AnyStore) -> None:
    for name in ("a", "a-b", "a.b", "ab"):
        await acts.submitted(name, concurrency_key="k")
    assert {name: of_type[Status.PENDING] for name, of_type in (await store.counts()).items()} == dict.fromkeys(
        ("a", "a-b", "a.b", "ab"), 1
    )


async def test_counts_agree_with_the_tasks_after_many_writers(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    tasks = [acts.task("a" if n % 2 else "b") for n in range(40)]
    await acts.submit(*tasks)
    await asyncio.gather(
        *(
            store.decide([task.id for task in tasks[start : start + 10]], lambda t: cancel(t, clock.now()))
            for start in range(0, 40, 5)
        )
    )
    assert {name: of_type[Status.CANCELLED] for name, of_type in (await store.counts()).items()} == {"a": 20, "b": 20}


async def test_an_unknown_submitter_has_nothing(acts: Acts, store: AnyStore) -> None:
    await acts.submitted(submitted_by=new_id())
    assert await ids(store, TaskFilter(submitted_by=new_id())) == []
