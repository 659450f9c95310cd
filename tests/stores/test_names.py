"""Names that look alike are not the same, on any database; and long ones come back whole."""

from __future__ import annotations

import pytest

from stores.acts import Acts, a_worker
from stores.engines import AnyStore
from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.errors import NotFound
from tradefree.ids import digest, new_id
from tradefree.tasks.ports import Submission, TaskFilter
from tradefree.tasks.task import Task
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.clock import FrozenClock

ALIKE = [
    *("ABC", "Abc", "abc", "ａｂｃ", "ＡＢＣ", "àbc", "a\u0300bc", "ábc", "abc ", "abc  ", " abc", "abc\t", "abc\n"),
    *("abc\u00a0", "abc\u3000", "abc\u200b", "abc\x00", "a\u00adbc", "аbc", "ªbc", "ab", "abcd", "a%c", "a_c", "a\\c"),
    *(
        "ß",
        "ss",
        "ẞ",
        "SS",
        "ſs",
        "i",
        "I",
        "ı",
        "İ",
        "\u00c5",
        "\u212b",
        "A\u030a",
        "å",
        "ﬁ",
        "fi",
        "œ",
        "oe",
        "ñ",
        "n",
        "ø",
        "o",
    ),
    *("は", "ハ", "ﾊ", "ば", "は\u3099", "客户", "客戶", "顧客", "1", "１", "①", "१", "²", "2"),
    *("😀", "😁", "👍", "👍🏽", "👩‍💻", "👩💻", "🇩🇪", "🇪🇩", "𝐚", "a", "\U0010ffff", "\ufffd"),
    *("", " ", "  ", "NULL", "null", "None", "'", '"', ";--", "0", "-0", "00", "true"),
]
"""Case, width, accents composed and not, spaces before, behind and unseen, other alphabets, four-byte characters."""


async def ids(store: AnyStore, wanted: TaskFilter) -> set[str]:
    return {task.id for task in await store.find(wanted, limit=1000)}


def test_they_are_all_different() -> None:
    assert len(set(ALIKE)) == len(ALIKE)


# ── concurrency keys ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_key_has_a_lane_of_its_own(acts: Acts, store: AnyStore) -> None:
    await acts.enlist(capacity=1000)
    tasks = {key: acts.task(concurrency_key=key) for key in ALIKE}
    other = {key: acts.task("other", concurrency_key=key) for key in ALIKE}
    await acts.submit(*tasks.values(), *other.values())
    assert len(set(await store.waiting_lanes())) == 2 * len(ALIKE)
    async with acts.round() as round_:
        heads = await round_.heads({task.lane: 10 for task in tasks.values()})
        assert {lane: [head.id for head in found] for lane, found in heads.items()} == {
            task.lane: [task.id] for task in tasks.values()
        }
        await round_.admit([(task.id, "w1") for task in tasks.values()])
        held = await round_.held()
    assert {(places.lane, places.count) for places in held} == {(task.lane, 1) for task in tasks.values()}


async def test_each_key_is_found_apart(acts: Acts, store: AnyStore) -> None:
    both: dict[str, set[str]] = {key: set() for key in ALIKE}
    for type_ in ("a", "b"):
        made = {key: acts.task(type_, concurrency_key=key) for key in ALIKE}
        await acts.submit(*made.values())
        for key, task in made.items():
            both[key].add(task.id)
    await acts.submit(acts.task("a"))
    for key in ALIKE:
        assert await ids(store, TaskFilter(concurrency_key=key)) == both[key], repr(key)
        assert len(await ids(store, TaskFilter(concurrency_key=key, types=("a",)))) == 1, repr(key)


# ── idempotency keys ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_idempotency_key_is_another_request(acts: Acts, store: AnyStore) -> None:
    first = {key: acts.task() for key in ALIKE}
    outcomes = await store.submit([Submission(task, key, digest(key)) for key, task in first.items()])
    assert [o.replayed for o in outcomes if not isinstance(o, Exception)] == [False] * len(ALIKE)
    again = await store.submit([Submission(acts.task(), key, digest(key)) for key in reversed(ALIKE)])
    assert [o.task.id for o in again if not isinstance(o, Exception)] == [first[key].id for key in reversed(ALIKE)]


# ── labels ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_label_is_found_apart(acts: Acts, store: AnyStore) -> None:
    by_value = {value: acts.task(labels={"shop": value}) for value in ALIKE}
    by_name = {name: acts.task(labels={name: "de"}) for name in ALIKE}
    await acts.submit(*by_value.values(), *by_name.values())
    for text in ALIKE:
        assert await ids(store, TaskFilter(labels={"shop": text})) == {by_value[text].id}, repr(text)
        assert await ids(store, TaskFilter(labels={text: "de"})) == {by_name[text].id}, repr(text)


async def test_a_task_may_have_labels_that_look_alike(acts: Acts, store: AnyStore) -> None:
    labels = {name: name[::-1] for name in ALIKE}
    task = await acts.submitted(labels=labels)
    assert (await acts.see(task)).labels == labels
    assert await ids(store, TaskFilter(labels=labels)) == {task.id}


# ── searching ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_search_does_without_case_and_with_everything_else(acts: Acts, store: AnyStore) -> None:
    """Accents, widths, spaces and kinds of letters count. (Databases disagree on the lower case of İ and ẞ.)"""
    texts = [text for text in ALIKE if text and text not in "İẞ" and not new_id().startswith(text)]
    tasks = {text: acts.task(concurrency_key=f"<{text}>") for text in texts}
    labelled = {text: acts.task(labels={"x": f"<{text}>"}) for text in texts}
    await acts.submit(*tasks.values(), *labelled.values())
    for wanted in texts:
        same = {text for text in texts if wanted.lower() in text.lower()}
        assert await ids(store, TaskFilter(text=wanted)) == {
            task.id for text in same for task in (tasks[text], labelled[text])
        }, repr(wanted)


async def test_an_error_and_an_id_are_found_whatever_the_case(acts: Acts, store: AnyStore) -> None:
    task = await acts.failed(message="Der ÜBERLAUF ist voll: 500 Internal Server Error.")
    for text in ("überlauf", "ÜBERLAUF", "internal server", "INTERNAL", task.id, task.id.upper()):
        assert await ids(store, TaskFilter(text=text)) == {task.id}, text
    assert await ids(store, TaskFilter(text="uberlauf")) == set()


# ── what has the name of something stored, and a space ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alike", ["{} ", "{}  ", " {}", "{}\x00", "{}\n", "{}\u00a0"])
async def test_an_id_with_something_behind_it_is_nobodys(acts: Acts, store: AnyStore, alike: str) -> None:
    task = await acts.completed()
    other = alike.format(task.id)
    assert await store.task(other) is None
    assert await store.attempts(other) == []
    assert await store.logs(other, limit=10) == []
    assert await ids(store, TaskFilter(types=(alike.format(task.type),))) == set()
    assert await ids(store, TaskFilter(only_types=(alike.format(task.type),))) == set()


@pytest.mark.parametrize("alike", ["{} ", " {}", "{}\x00", "{}é"])
async def test_a_name_with_something_behind_it_names_nothing(store: AnyStore, alike: str) -> None:
    await store.put_connection(Connection(name="bot", base_url="https://dify.example/v1", api_key="app-1"))
    await store.put_task_type(TaskType(name="echo", runner="echo"))
    with pytest.raises(NotFound):
        await store.delete_task_type(alike.format("echo"))
    with pytest.raises(NotFound):
        await store.delete_connection(alike.format("bot"))
    assert "echo" in (await store.task_types())[1]
    assert "bot" in await store.connections()


# ── names that are only shown ───────────────────────────────────────────────────────────────────────────────────────


async def test_names_of_workers_and_queues_come_back_as_they_were(
    acts: Acts, store: AnyStore, clock: FrozenClock
) -> None:
    workers = {
        f"w{n}": a_worker(clock.now(), f"w{n}", name=name, address=f"q.{name}", queues=tuple(ALIKE[n:]))
        for n, name in enumerate(ALIKE)
    }
    for worker in workers.values():
        await store.enlist(worker, 15.0)
    found = {worker.id: worker for worker, _ in await store.all_workers()}
    for id_, worker in workers.items():
        assert (found[id_].name, found[id_].address, found[id_].queues) == (worker.name, worker.address, worker.queues)


async def test_names_of_api_keys_come_back_as_they_were(store: AnyStore, clock: FrozenClock) -> None:
    names = [*ALIKE, "🔑" * 255]
    for name in names:
        key = ApiKey(new_id(), name, "tfk_1234", frozenset({Scope.TASKS_READ}), clock.now())
        await store.add_key(key, digest(name))
    assert sorted(key.name for key in await store.keys()) == sorted(names)
    for name in names:
        found = await store.key_by_hash(digest(name))
        assert found is not None
        assert found.name == name


# ── long texts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def long_task(acts: Acts) -> Task:
    return acts.task(
        concurrency_key="😀" * 255,
        labels={"n" * 63: "😁" * 255},
        callback_url="https://example.com/" + "é" * 1980,
        input_data={"😀" * 100: "😀" * 50_000},
    )


async def test_the_longest_names_come_back_whole_and_are_found(acts: Acts, store: AnyStore) -> None:
    task = long_task(acts)
    shorter = acts.task(concurrency_key="😀" * 254, labels={"n" * 63: "😁" * 254})
    await acts.submit(task, shorter)
    assert await acts.see(task) == task
    assert await ids(store, TaskFilter(concurrency_key="😀" * 255)) == {task.id}
    assert await ids(store, TaskFilter(labels={"n" * 63: "😁" * 255})) == {task.id}
    assert await ids(store, TaskFilter(text="😁" * 200)) == {task.id, shorter.id}


async def test_long_logs_and_errors_come_back_whole(acts: Acts, store: AnyStore) -> None:
    """Longer than a TEXT of MySQL, which ends at 64 KB."""
    text = "Ein Fehler 😀 " * 20_000
    task = await acts.failed(message=text)
    await store.append_logs([acts.line(task, text, data={"😀": text})])
    assert (await acts.see(task)).error_message == text
    line = (await store.logs(task.id, limit=100))[-1]
    assert (line.message, line.data) == (text, {"😀": text})
