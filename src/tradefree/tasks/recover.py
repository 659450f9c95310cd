"""Recover: find workers whose lease ran out, and give their tasks another chance."""

from __future__ import annotations

import math
from datetime import timedelta

from tradefree.clock import Clock
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.mover import Mover
from tradefree.tasks.ports import Doorbell, Signals, Store
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, Worker
from tradefree.tasks.transitions import Change, Rules, lose, unqueue
from tradefree.tasks.types import TaskType

LEASE = 15.0
"""Seconds a worker keeps its tasks without a successful beat."""
GAP = 5.0
"""Seconds between rounds that are a break: something stood still, and perhaps the workers' beats did, too."""
SILENCE = 5.0
"""Seconds a worker must be seen late before it is buried: leases are wall time, and a clock that jumps makes everybody
late until the next beat."""
CLAIM_WITHIN = 30.0
"""Seconds after which an admitted task that nobody claimed goes back in line."""
REMEMBER = timedelta(days=1)
"""How long dead workers are still shown."""
FORGET_EVERY = 600.0
"""Seconds between looks for dead workers to forget."""
BATCH = 500
"""Tasks moved in one transaction."""


def rules_of(task_type: TaskType | None, resumable: frozenset[str]) -> Rules:
    """What finishing needs to know of the type; ``resumable`` names the runners whose runs may outlive us."""
    if task_type is None:
        return Rules()
    return Rules(
        task_type.retry,
        task_type.max_deferral,
        task_type.runner in resumable,
        task_type.answer_within,
        task_type.holds_unknown,
    )


class Recovery:
    """The leader's care for the dead. It never reaps in haste: a database that was away makes every lease run out."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        doorbell: Doorbell,
        signals: Signals,
        clock: Clock,
        resumable: frozenset[str],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._doorbell = doorbell
        self._mover = Mover(store, catalog, signals)
        self._clock = clock
        self._resumable = resumable
        self._well_since = math.inf
        """Since when (monotonic) this leader's rounds have succeeded without a break."""
        self._round_at = -math.inf
        """When the last round succeeded."""
        self._forget_at = 0.0
        self._late_since: dict[str, float] = {}
        """Since when (monotonic) each late worker has been seen to be late."""
        self._many_since = math.inf
        """Since when over half of the workers have been late together."""

    def round_succeeded(self) -> None:
        """A round of this leader was committed."""
        now = self._clock.monotonic()
        if now - self._round_at > GAP:
            self.round_failed()
        self._round_at = now
        self._well_since = min(self._well_since, now)

    def round_failed(self) -> None:
        """A round failed, or leadership is new: the waiting starts again."""
        self._well_since = self._many_since = math.inf
        self._late_since.clear()

    async def run(self) -> int:
        """Bury workers whose lease ran out and move the tasks of the dead; the number of tasks moved."""
        if self._clock.monotonic() >= self._forget_at:
            self._forget_at = self._clock.monotonic() + FORGET_EVERY
            await self._store.forget_workers(self._clock.now() - REMEMBER)
        for worker in await self._to_bury():
            if await self._store.bury(worker.id):
                self._doorbell.forget(worker.address)
        moved = 0
        while orphans := await self._store.orphans(BATCH, CLAIM_WITHIN):
            changes = await self.rescue(orphans)
            moved += changes
            if len(orphans) < BATCH or not changes:
                break
        return moved

    async def bury_all(self) -> int:
        """For a system that knows it is alone (embedded): no earlier worker can be alive."""
        for worker in await self._store.lapsed(everyone=True):
            await self._store.bury(worker.id, at_once=True)
        return await self.run()

    async def rescue(self, ids: list[str]) -> int:
        """Move these tasks away from where they are."""
        types = await self._catalog.types()
        gone = await self._store.gone_workers()
        now = self._clock.now()

        def decide(task: Task) -> Change | None:
            if task.status is Status.QUEUED:
                return unqueue(task, now, "it was not claimed in time.")
            # Who is gone stays gone. Any other may be alive and have come after we looked: we may have stood still for
            # long since, and another leader may have given the task to a new worker.
            if task.status is Status.PROCESSING and task.worker_id in gone:
                lease_until = gone[task.worker_id]
                last_beat = lease_until - timedelta(seconds=LEASE) if lease_until else None
                return lose(task, rules_of(types.get(task.type), self._resumable), now, last_beat)
            return None

        return len(await self._mover.move(ids, decide))

    async def _to_bury(self) -> list[Worker]:
        now = self._clock.monotonic()
        if now - self._well_since < LEASE:
            return []
        late = {worker.id: worker for worker in await self._store.lapsed()}
        self._late_since = {id_: self._late_since.get(id_, now) for id_ in late}
        silent = [late[id_] for id_, since in self._late_since.items() if now - since >= SILENCE]
        if not late or len(late) * 2 <= await self._store.live_count():
            self._many_since = math.inf
            return silent
        self._many_since = min(self._many_since, now)
        alone = len(late) == 1  # one worker of one: half of the workers means nothing
        return silent if alone or now - self._many_since >= LEASE else []
