"""In small tables, too, rows whose ids are known are found by them: a table that is read whole is locked whole, and
those who have nothing to do with each other wait for each other."""

from __future__ import annotations

import pytest

from plans.watching import Watch
from private_servers import DATABASES
from stores.acts import Acts
from stores.engines import on_server
from tradefree.ids import new_id
from tradefree.tasks.outcome import Completed, Report
from tradefree.tasks.ports import RunState, Submission
from tradefree.tasks.transitions import Rules, finish
from tradefree.testing.clock import FrozenClock


@pytest.mark.parametrize("kind", DATABASES)
async def test_what_is_locked_is_found_by_its_id(kind: str) -> None:
    clock = FrozenClock()
    async with on_server(kind)(clock) as store:
        acts, watch = Acts(store, clock), Watch()
        await acts.enlist("w1")
        tasks = [acts.task(labels={"n": str(n)}) for n in range(20)]
        ids = [task.id for task in tasks]
        submissions = [Submission(task, key=task.id, request_hash="h") for task in tasks]
        with watch.open(), watch.named("all"):
            await store.submit(submissions)
            await store.submit(submissions)
            await acts.admit(*tasks)
            await store.claim("w1", ids, new_id())
            await store.save_states("w1", [RunState(id_, 1, {"run": "r"}) for id_ in ids])
            await store.decide(
                ids, lambda t: finish(t, Report(t.id, 1, "w1", Completed({}), ()), Rules(), clock.now(), 0.5)
            )
    steps = {
        (step.table, step.key)
        for seen in watch.seen["all"]
        for step in seen.plan
        if ("FOR UPDATE" in seen.text or seen.text.startswith("UPDATE")) and step.table in ("tasks", "idempotency_keys")
    }
    assert steps == {("tasks", "PRIMARY"), ("idempotency_keys", "PRIMARY")}
