"""Every statement that runs often, sent by the store's own methods, each under a name.

The order matters: what one act leaves, the next finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from plans.filling import FIRST, NOW, RARE, lane
from plans.watching import Watch
from tradefree.database.store import SqlStore
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event, NewEvent
from tradefree.events.ports import Arrival, EventFilter
from tradefree.events.schedules.keeper import event_of
from tradefree.events.schedules.plan import plan
from tradefree.events.schedules.schedule import Schedule
from tradefree.ids import new_id, new_id_at
from tradefree.tasks.callbacks.delivery import CALLBACK, SUBSCRIPTION_LABEL, telling
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import Subscriber, Subscription
from tradefree.tasks.outcome import Completed, Report
from tradefree.tasks.ports import LineFilter, Round, RunState, Submission, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.suggest import NEWEST
from tradefree.tasks.task import LogLine, Task, lane_of, sort_at
from tradefree.tasks.transitions import Change, Rules, finish
from tradefree.tasks.waits import Cause, Stretch

LEASE, TTL = 15.0, 3.0
BATCH = 100
HELD = Cause("full", "connection:main")
PAGE = 51
"""A page of 50, and one to see whether there are more."""

AN_HOUR = FIRST + timedelta(seconds=500_000)
KNOWN: Mapping[str, TaskFilter] = {
    "of all": TaskFilter(),
    "of a type": TaskFilter(types=("t-0",)),
    "of what a caller may see": TaskFilter(only_types=("t-1", RARE)),
    "of a submitter": TaskFilter(submitted_by="many"),
    "of a submitter's rare type": TaskFilter(submitted_by="many", types=("t-none",)),
}
TRAILS: Mapping[str, Mapping[str, Any]] = {
    "everything": {},
    "a target": {"target": "type:t-0"},
    "an actor": {"actor": "few"},
    "an actor who did nothing": {"actor": "nobody"},
    "a kind": {"action": "limit.*"},
    "a rare action": {"action": "key.revoke"},
    "a rare action of one who did much": {"action": "key.revoke", "actor": "many"},
    "since a moment": {"after": FIRST + timedelta(seconds=869_000)},
    "a kind in a period": {
        "action": "limit.*",
        "after": FIRST + timedelta(seconds=800_000),
        "before": FIRST + timedelta(seconds=800_100),
    },
}
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
    "ended in an hour": TaskFilter(finished_after=AN_HOUR, finished_before=AN_HOUR + timedelta(hours=1)),
    "ended since the beginning": TaskFilter(finished_after=FIRST),
    "failed in an hour": TaskFilter(
        statuses=(Status.FAILED,), finished_after=AN_HOUR, finished_before=AN_HOUR + timedelta(hours=1)
    ),
    "of a type, failed since the beginning": TaskFilter(
        statuses=(Status.FAILED,), types=("t-1",), finished_after=FIRST
    ),
    "of a rare type, ended since the beginning": TaskFilter(types=(RARE,), finished_after=FIRST),
    "a text since a moment": TaskFilter(text="nobody wrote this", created_after=NOW - timedelta(hours=1)),
}


async def act(store: SqlStore, watch: Watch) -> None:
    """Do everything once."""
    await _submit(store, watch)
    admitted = await _lead(store, watch)
    await _work(store, watch, admitted)
    await _recover(store, watch)
    await _browse(store, watch, admitted[0])
    await _happen(store, watch)
    await _keep_time(store, watch)
    with watch.named("prune tasks"):
        assert (await store.prune_tasks("t-0", NOW, BATCH)).last_id is not None
    with watch.named("old tasks"):
        old = await store.old_tasks(Status.COMPLETED, NOW, BATCH)
        assert len(await store.whole_tasks(old.ids)) == len(old.ids) == BATCH
        assert await store.delete_tasks(old.ids, NOW) == BATCH


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
        with watch.named("heads of 200 lanes, one each"):
            firsts = await round_.heads(dict.fromkeys(lanes[:200], 1))
            assert all(map(len, firsts.values()))
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
    third, first, second = claimed[:10], claimed[10 : BATCH // 2], claimed[BATCH // 2 :]
    with watch.named("finish and tell"):
        told = await store.decide([task.id for task in third], _finish_and_tell, believed=third)
    with watch.named("deliveries of a task"):
        assert len(await store.deliveries_of(told[0].before.id, 50)) == 1
    with watch.named("deliveries of a subscription"):
        wanted = TaskFilter(types=(CALLBACK,), labels={SUBSCRIPTION_LABEL: "shop"})
        assert len(await store.find(wanted, limit=PAGE)) == len(third)
    with watch.named("finish as believed"):
        done = await store.decide([task.id for task in first], _finish, believed=first)
    assert len(done) == len(first)
    with watch.named("finish"):
        done = await store.decide([task.id for task in second], _finish)
    assert len(done) == len(second)


def _finish(task: Task) -> Change | None:
    report = Report(task.id, 1, "worker-3", Completed({"text": "done"}), ())
    return finish(task, report, Rules(), NOW, 0.5)


def _finish_and_tell(task: Task) -> Change | None:
    shop = Subscription(name="shop", url="https://shop.example.com/")
    return telling(_finish(task), [Subscriber(shop, Secrets(current="whsec_"))])


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
    with watch.named("numbers of a status and a type"):
        assert await store.numbers(TaskFilter(statuses=(Status.FAILED,), types=("t-1",)), limit=PAGE)
    with watch.named("the newest line"):
        newest = await store.newest_line()
    with watch.named("what moves"):
        assert await store.moved(newest - PAGE, PAGE)
    with watch.named("what happened"):
        assert await store.happened(newest - 1000, newest)
    await _holds(store, watch)
    with watch.named("the line of a moment"):
        assert await store.line_at(FIRST + timedelta(seconds=800_000))
    with watch.named("lines of all tasks"):
        assert (await store.lines(LineFilter(), limit=PAGE, newest_first=True)).lines
    with watch.named("lines of a time"):
        some_time = LineFilter(since=FIRST + timedelta(seconds=769_000), until=NOW, level="info")
        assert (await store.lines(some_time, limit=PAGE, newest_first=False)).lines
    with watch.named("lines that nobody wrote"):
        assert not (await store.lines(LineFilter(text="nobody wrote this"), limit=PAGE, newest_first=True)).lines
    with watch.named("lines of a type"):
        assert (await store.lines(LineFilter(types=("t-1",)), limit=PAGE, newest_first=True)).lines
    with watch.named("counts"):
        assert await store.counts()
    with watch.named("all workers"):
        assert await store.all_workers()
    for name, wanted in KNOWN.items():
        with watch.named(f"known: {name}"):
            await store.known(wanted, newest=NEWEST)
    for name, trail in TRAILS.items():
        with watch.named(f"trail: {name}"):
            lines = await store.audit(limit=PAGE, **trail)
        with watch.named(f"next of trail: {name}"):
            await store.audit(limit=PAGE, before_id=lines[-1].id if lines else "ffffffff", **trail)
    for name, wanted in LISTS.items():
        with watch.named(f"list: {name}"):
            first = await store.find(wanted, limit=PAGE)
        with watch.named(f"next page: {name}"):
            await store.find(wanted, limit=PAGE, below=wanted.place(first[-1]) if first else None)


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

HAPPENED: Mapping[str, EventFilter] = {
    "everything": EventFilter(),
    "a type": EventFilter(type="order.paid"),
    "a type no event has": EventFilter(type="order.none"),
    "types with a beginning": EventFilter(type="order.*"),
    "a receiver": EventFilter(received_by="key:few"),
    "since a moment": EventFilter(received_after=FIRST + timedelta(seconds=869_990)),
    "a type in a period": EventFilter(
        type="order.created",
        received_after=FIRST + timedelta(seconds=800_000),
        received_before=FIRST + timedelta(seconds=800_100),
    ),
}


def an_arrival(number: int) -> Arrival:
    """An event that makes one task; another rule did not match."""
    new = NewEvent(f"new-{number}", "/shop", "order.created", data={"n": number})
    task = a_task(number)
    made = Decision("rule-a", 1, Outcome.MADE, task_id=task.id)
    no = Decision("rule-b", 1, Outcome.NO_MATCH, "filter", conditions=(False,))
    return Arrival(Event.of(new, new_id_at(NOW), NOW, "key:many"), (made, no), {"rule-a": Submission(task)})


async def _holds(store: SqlStore, watch: Watch) -> None:
    """Two types, held by one thing after another for a day."""
    for name in ("t-0", "t-1"):
        begins = [NOW - timedelta(seconds=20 * number) for number in range(4000)]
        await store.keep_stretches([Stretch(name, at, at + timedelta(seconds=15), HELD) for at in begins])
    with watch.named("keep stretches"):
        await store.keep_stretches([Stretch(f"s-{number}", NOW, NOW, HELD) for number in range(BATCH)])
    with watch.named("stretches of an hour"):
        ago = NOW - timedelta(hours=20)
        assert len(await store.stretches("t-0", ago, ago + timedelta(hours=1), 2000)) == 180
    with watch.named("stretches that go on"):
        assert len(await store.open_stretches(NOW - timedelta(seconds=20))) == BATCH + 2
    with watch.named("old stretches"):
        assert await store.forget_stretches(NOW - timedelta(seconds=20 * 3998)) == 2


async def _happen(store: SqlStore, watch: Watch) -> None:
    arrivals = [an_arrival(n) for n in range(BATCH)]
    with watch.named("take events"):
        taken = await store.take(arrivals)
    with watch.named("take events again"):
        assert await store.take(arrivals) != taken
    event = arrivals[0].event.id
    with watch.named("event"):
        assert await store.event(event)
    with watch.named("tasks of an event"):
        assert await store.tasks_of(event)
    with watch.named("decisions of a page"):
        assert len(await store.decisions([arrival.event.id for arrival in arrivals[:PAGE]])) == PAGE
    with watch.named("decisions of a trigger"):
        some = await store.decisions_of("rule-a", limit=PAGE)
        assert await store.decisions_of("rule-a", limit=PAGE, before_id=some[-1][0])
    for name, wanted in HAPPENED.items():
        with watch.named(f"events: {name}"):
            first = await store.events(wanted, limit=PAGE)
        with watch.named(f"next events: {name}"):
            await store.events(wanted, limit=PAGE, before_id=first[-1].id if first else "ffffffff")


async def _keep_time(store: SqlStore, watch: Watch) -> None:
    """A run that makes many tasks, and a look at whether they have ended."""
    schedule = Schedule(name="poll", every=60.0, overlap="skip")
    await store.put_schedule(schedule, NOW - timedelta(seconds=60))
    with watch.named("next wake"):
        assert await store.next_wake()
    [due] = await store.due_schedules(NOW, 10)
    ahead = plan(schedule, due.fire_at, NOW)
    event = Event.of(event_of(schedule, ahead.fires[0]), new_id_at(NOW), NOW, "schedule:poll")
    made = {f"rule-{number}": Submission(replace(a_task(number), event_id=event.id)) for number in range(BATCH)}
    decisions = [Decision(name, 1, Outcome.MADE, task_id=each.task.id) for name, each in made.items()]
    with watch.named("raise a run"):
        assert await store.fire(due, ahead, [Arrival(event, tuple(decisions), made, refusable=False)], NOW)
    with watch.named("due schedules"):
        [again] = await store.due_schedules(NOW + timedelta(seconds=60), 10)
    assert again.unfinished
