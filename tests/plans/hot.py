"""Every statement that runs often, sent by the store's own methods, each under a name.

The order matters: what one act leaves, the next finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from plans.filling import FIRST, NOW, RARE, lane
from plans.watching import Watch
from tradefree.database.store import SqlStore
from tradefree.ids import new_id, new_id_at
from tradefree.tasks.outcome import Completed, Report
from tradefree.tasks.ports import Round, RunState, Submission, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import LogLine, Task, lane_of, sort_at
from tradefree.tasks.transitions import Change, Rules, finish

LEASE, TTL = 15.0, 3.0
BATCH = 100
PAGE = 51
"""A page of 50, and one to see whether there are more."""

LISTS: Mapping[str, TaskFilter] = {
    "everything": TaskFilter(),
    "a status": TaskFilter(statuses=(Status.FAILED,)),
    "a status most tasks have": TaskFilter(statuses=(Status.COMPLETED,)),
    "a status few tasks have": TaskFilter(statuses=(Status.AWAITING_INPUT,)),
    "two statuses": TaskFilter(statuses=(Status.FAILED, Status.CANCELLED)),
    "a type": TaskFilter(types=("t-0",)),
    "a type few tasks have": TaskFilter(types=(RARE,)),
    "a type no task has": TaskFilter(types=("t-none",)),
    "three types": TaskFilter(types=("t-0", "t-1", RARE)),
    "a status and a type": TaskFilter(statuses=(Status.FAILED,), types=("t-0",)),
    "a status and a rare type": TaskFilter(statuses=(Status.COMPLETED,), types=(RARE,)),
    "what a caller may see": TaskFilter(only_types=("t-1", RARE), statuses=(Status.FAILED,)),
    "a key": TaskFilter(concurrency_key=str(lane(4711)["key"])),
    "a key and its type": TaskFilter(concurrency_key=str(lane(4711)["key"]), types=("t-1",)),
    "a key nobody used": TaskFilter(concurrency_key="nobody"),
    "a label": TaskFilter(labels={"order": "44"}),
    "a label many have": TaskFilter(labels={"env": "prod"}),
    "a label and a status": TaskFilter(labels={"env": "prod"}, statuses=(Status.FAILED,)),
    "a submitter": TaskFilter(submitted_by="few"),
    "a submitter with many": TaskFilter(submitted_by="many"),
    "a submitter without any": TaskFilter(submitted_by="none"),
    "since a moment": TaskFilter(created_after=NOW - timedelta(seconds=20)),
    "before a moment": TaskFilter(created_before=FIRST + timedelta(days=10)),
    "failures since a moment": TaskFilter(statuses=(Status.FAILED,), created_after=FIRST + timedelta(seconds=850_000)),
    "a text since a moment": TaskFilter(text="nobody wrote this", created_after=NOW - timedelta(hours=1)),
}


async def act(store: SqlStore, watch: Watch) -> None:
    """Do everything once."""
    await _submit(store, watch)
    admitted = await _lead(store, watch)
    await _work(store, watch, admitted)
    await _recover(store, watch)
    await _browse(store, watch, admitted[0])


def a_task(number: int) -> Task:
    """A new one, in one of the lanes that are there."""
    its = lane(number)
    key = None if its["key"] is None else str(its["key"])
    return Task(
        id=new_id_at(NOW),
        type=str(its["type"]),
        status=Status.PENDING,
        created_at=NOW,
        updated_at=NOW,
        run_at=NOW,
        sort_at=sort_at(NOW, 0),
        lane=lane_of(str(its["type"]), key),
        concurrency_key=key,
        labels={"order": str(number)},
        input_data={"order_id": number},
    )


async def _submit(store: SqlStore, watch: Watch) -> None:
    submissions = [Submission(a_task(n), key=f"key {n}", request_hash="hash") for n in range(BATCH)]
    with watch.named("submit"):
        await store.submit(submissions)
    with watch.named("submit again"):
        await store.submit(submissions)


async def _lead(store: SqlStore, watch: Watch) -> list[str]:
    """Ids that were admitted to worker 3."""
    with watch.named("lead"):
        epoch = await store.lead("plans", TTL)
    assert epoch is not None
    with watch.named("waiting lanes"):
        lanes = await store.waiting_lanes()
    async with store.round("plans", epoch, TTL) as round_:
        await _look_around(round_, watch)
        with watch.named("heads of one lane"):
            await round_.heads({lanes[0]: 50})
        with watch.named("heads of 200 lanes"):
            heads = await round_.heads(dict.fromkeys(lanes[:200], 3))
        ids = [head.id for of_lane in heads.values() for head in of_lane][:BATCH]
        with watch.named("admit"):
            assert len(await round_.admit([(id_, "worker-3") for id_ in ids])) == BATCH
    return ids


async def _look_around(round_: Round, watch: Watch) -> None:
    with watch.named("next due"):
        await round_.next_due()
    with watch.named("wake due"):
        assert await round_.wake_due(2000)
    with watch.named("expired"):
        assert await round_.expired(2000)
    with watch.named("held"):
        assert await round_.held()
    with watch.named("workers"):
        assert await round_.workers()
    with watch.named("unaccounted"):
        assert await round_.unaccounted(2000)


async def _work(store: SqlStore, watch: Watch, ids: list[str]) -> None:
    with watch.named("beat"):
        assert (await store.beat("worker-3", LEASE)).queued
    with watch.named("claim"):
        claimed = await store.claim("worker-3", ids, new_id())
    assert len(claimed) == BATCH
    with watch.named("save states"):
        assert all(await store.save_states("worker-3", [RunState(id_, 1, {"run": "r"}) for id_ in ids]))
    with watch.named("save states of one that is gone"):
        assert not all(await store.save_states("worker-4", [RunState(id_, 1, {"run": "r"}) for id_ in ids]))
    with watch.named("append logs"):
        await store.append_logs([LogLine(id_, NOW, "info", "hello") for id_ in ids])
    first, second = claimed[: BATCH // 2], claimed[BATCH // 2 :]
    with watch.named("finish as believed"):
        done = await store.decide([task.id for task in first], _finish, believed=first)
    assert len(done) == len(first)
    with watch.named("finish"):
        done = await store.decide([task.id for task in second], _finish)
    assert len(done) == len(second)


def _finish(task: Task) -> Change | None:
    report = Report(task.id, 1, "worker-3", Completed({"text": "done"}), ())
    return finish(task, report, Rules(), NOW, 0.5)


async def _recover(store: SqlStore, watch: Watch) -> None:
    with watch.named("lapsed"):
        await store.lapsed()
    with watch.named("live count"):
        await store.live_count()
    with watch.named("orphans"):
        assert await store.orphans(500, 1.0)
    with watch.named("gone workers"):
        await store.gone_workers()
    with watch.named("forget workers"):
        await store.forget_workers(NOW - timedelta(days=1))


async def _browse(store: SqlStore, watch: Watch, task_id: str) -> None:
    with watch.named("task"):
        assert await store.task(task_id)
    with watch.named("attempts"):
        await store.attempts(task_id)
    with watch.named("logs"):
        assert await store.logs(task_id, limit=100)
    with watch.named("logs of a level"):
        await store.logs(task_id, after=1, limit=100, level="warning")
    with watch.named("counts"):
        assert await store.counts()
    with watch.named("all workers"):
        assert await store.all_workers()
    for name, wanted in LISTS.items():
        with watch.named(f"list: {name}"):
            first = await store.find(wanted, limit=PAGE)
        with watch.named(f"next page: {name}"):
            await store.find(wanted, limit=PAGE, before_id=first[-1].id if first else "ffffffff")
