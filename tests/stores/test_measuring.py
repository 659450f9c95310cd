"""What monitoring reads: the same numbers from every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.database.store import SqlStore
from tradefree.database.stores.backing import BackupRecord
from tradefree.ids import new_id
from tradefree.tasks.callbacks.secrets import Secrets, new_secret
from tradefree.tasks.callbacks.subscription import Outcomes, Pause, Subscription
from tradefree.tasks.outcome import Completed, DidNotWork
from tradefree.tasks.ports import Entry
from tradefree.tasks.states import Status


async def test_nothing(store: AnyStore, acts: Acts) -> None:
    measures = await store.measures()
    assert measures.at == acts.clock.now()
    assert (measures.counts, measures.first_due, measures.seconds) == ({}, {}, {})
    assert measures.subscriptions == {"well": 0, "failing": 0, "paused": 0}
    assert (list(measures.workers), measures.led) == ([], False)


async def test_tasks_by_type_and_status(store: AnyStore, acts: Acts) -> None:
    await acts.completed("a")
    await acts.failed("b")
    await acts.running("a")
    for key in ("x", "y", "x"):
        await acts.submitted("a", concurrency_key=key)
    await acts.submitted("b", run_in=60)
    measures = await store.measures()
    assert measures.counts == await store.counts()
    assert measures.counts["a"][Status.PENDING] == 3
    assert measures.standing.waiting == {"a": 3}
    assert {held.lane: held.count for held in measures.standing.held} == {"a/": 1}
    assert [worker.id for worker in measures.workers] == ["w1"]
    assert measures.led


async def test_the_first_in_line_of_each_type(store: AnyStore, acts: Acts) -> None:
    """Since when it may run: not since when it was submitted, and not as its priority moves it."""
    began = acts.clock.now()
    await acts.submitted("a", concurrency_key="x", priority=5)
    acts.clock.advance(1)
    await acts.submitted("a", concurrency_key="y")
    await acts.submitted("b")
    measures = await store.measures()
    assert measures.first_due == {"a": began, "b": began + timedelta(seconds=1)}


async def test_how_long_attempts_take(store: AnyStore, acts: Acts) -> None:
    quick = [await acts.running("quick") for _ in range(2)]
    slow = await acts.running("slow")
    mixed = await acts.running("mixed")
    acts.clock.advance(2)
    await acts.finish(quick[0], Completed({}))
    await acts.finish(mixed, Completed({}))
    acts.clock.advance(2)
    await acts.finish(quick[1], DidNotWork("no", "No.", retryable=False))
    await acts.running("mixed")
    acts.clock.advance(6)
    assert slow.started_at is not None
    assert (await store.measures()).seconds == {"quick": 3.0, "slow": 10.0, "mixed": 6.0}


async def test_pending_tasks_of_lanes(store: AnyStore, acts: Acts) -> None:
    tasks = [await acts.submitted("a", concurrency_key=key) for key in ("x", "x", "y")]
    await acts.running("a", concurrency_key="x")
    lanes = [tasks[0].lane, "a/nobody"]
    assert await store.pending_in(lanes) == {tasks[0].lane: 2}
    assert await store.pending_in([]) == {}


async def test_the_leaders_lease(store: AnyStore, acts: Acts) -> None:
    await store.lead("leader", 3.0)
    assert (await store.measures()).led
    acts.clock.advance(3.1)
    assert not (await store.measures()).led


@pytest.mark.parametrize(("state", "wanted"), [("well", (1, 0, 0)), ("failing", (0, 1, 0)), ("paused", (0, 0, 1))])
async def test_subscriptions(store: AnyStore, acts: Acts, state: str, wanted: tuple[int, int, int]) -> None:
    now = acts.clock.now()
    entry = Entry(new_id(), now, "me", "subscription.put", "subscription:s")
    await store.put_subscription(
        Subscription(name="s", url="https://hooks.test/"), Secrets(current=new_secret()), entry
    )
    if state != "well":
        await store.note_deliveries({"s": Outcomes(3, succeeded=False, at=now, error="No.")})
    if state == "paused":
        entry = Entry(new_id(), now, "me", "subscription.pause", "subscription:s")
        await store.pause_subscription("s", Pause(by="me", at=now, reason="enough"), entry)
    found = (await store.measures()).subscriptions
    assert (found["well"], found["failing"], found["paused"]) == wanted


async def test_backups(store: AnyStore, acts: Acts) -> None:
    if not isinstance(store, SqlStore):
        return  # the store in memory has none
    now = acts.clock.now()
    ago = [now - timedelta(hours=hours) for hours in (1, 2, 3, 4)]
    await store.record_backup(BackupRecord("b1", ago[3], "f", "h", proved_at=ago[2]))
    await store.record_backup(BackupRecord("b2", ago[1], "f", "h", proved_at=ago[0], proof_error="It is broken."))
    await store.record_backup(BackupRecord("b3", ago[0], "f", "h", error="The disk is full."))
    measures = await store.measures()
    assert (measures.backed_up_at, measures.proved_at) == (ago[1], ago[2])
