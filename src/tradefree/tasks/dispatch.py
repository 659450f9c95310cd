"""Dispatch: the loop of a task service that leads, or waits to.

Rounds are woken, not polled; a slow poll is the safety net.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime

import structlog

from tradefree.clock import Clock, wait_at_most
from tradefree.errors import LeadershipLost, Outdated, StorageUnavailable
from tradefree.tasks.admit import Admission, Admitted
from tradefree.tasks.book import Book
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.mover import Mover
from tradefree.tasks.ports import DISPATCH, UNSEEN, Doorbell, LeadObserver, Round, Signals, Store
from tradefree.tasks.recover import Recovery
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, expire, unqueue
from tradefree.tasks.waits import Cause

TTL = 3.0
"""Seconds of leadership: the death of a leader stalls starts for no longer."""
POLL = 1.0
"""Seconds between rounds when nothing wakes the dispatcher."""
LOOK_SHARE = 20.0
"""A look at every waiting lane takes at most one part of so many of the time."""
RESCAN = 5.0
"""Seconds between looks at every waiting lane, for wake-ups that were lost."""
WARN_EVERY = 60.0
"""Seconds between warnings about the same queue."""
PAUSE = 0.02
"""Seconds between rounds at the least: wake-ups that come closer are served by one round."""

log = structlog.get_logger(__name__)


class Dispatcher:
    """Competes for leadership and, as the leader, admits, wakes, expires and recovers."""

    def __init__(
        self,
        holder: str,
        store: Store,
        catalog: Catalog,
        doorbell: Doorbell,
        signals: Signals,
        recovery: Recovery,
        clock: Clock,
        observer: LeadObserver = UNSEEN,
    ) -> None:
        self.holder = holder
        self.epoch: int | None = None
        """Not None while this dispatcher leads."""
        self.held: Mapping[str, Cause] | None = None
        """What held whole types at the end of the last round; None before a leader's first."""
        self._store = store
        self._catalog = catalog
        self._doorbell = doorbell
        self._signals = signals
        self._mover = Mover(store, catalog, signals)
        self._recovery = recovery
        self._clock = clock
        self._observer = observer
        self._admission = Admission()
        self._book: Book | None = None
        self._rescan_at = 0.0
        self._looked = False
        """True once this leader has looked at all waiting lanes."""
        self._look: asyncio.Task[None] | None = None
        self._recover_at = 0.0
        self._woken = asyncio.Event()
        self._warn_at: dict[str, float] = {}
        """When the next warning about a queue may come."""
        self._rings: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Lead whenever possible, until cancelled. Raises Outdated when this version must stop."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                began = self._clock.monotonic()
                wait = await self._step()
                await wait_at_most(self._woken, wait)
                await asyncio.sleep(max(0.0, PAUSE - (self._clock.monotonic() - began)))
                self._woken.clear()
        finally:
            listener.cancel()
            if self._look is not None:
                self._look.cancel()
            self._observer.leads(False)
            with contextlib.suppress(StorageUnavailable):
                await asyncio.shield(self._store.resign(self.holder))

    async def _step(self) -> float:
        """One turn; seconds until the next if nothing wakes us before."""
        try:
            if self.epoch is None and not await self._lead():
                return POLL
            began = self._clock.monotonic()
            admitted = await self.round()
            self._observer.round(self._clock.monotonic() - began, sum(map(len, admitted.by_worker.values())))
            await self._recover()
        except LeadershipLost:
            log.warning("leadership lost", holder=self.holder)
            self._stand_down()
            return POLL
        except StorageUnavailable as error:
            log.warning("database unavailable; dispatching pauses", error=str(error))
            self._stand_down("database")
            return POLL
        except Outdated:
            self._stand_down("outdated")
            raise
        except Exception:  # a fault in one round must not end dispatching for good
            log.exception("a round failed unexpectedly")
            self._stand_down("fault")
            return POLL
        return self._wait(admitted)

    async def _lead(self) -> bool:
        self.epoch = await self._store.lead(self.holder, TTL)
        if self.epoch is not None:
            log.info("leading", holder=self.holder, epoch=self.epoch)
            self._admission = Admission()
            self._book = None
            self._rescan_at = 0.0
            self._looked = False
            self._recovery.round_failed()
            self._observer.leads(True)
        return self.epoch is not None

    def _stand_down(self, why: str = "lost") -> None:
        self.epoch = self.held = None
        self._recovery.round_failed()
        self._observer.leads(False)
        self._observer.round_failed(why)

    async def round(self) -> Admitted:
        """Admit once, then ring the workers and let what has expired fail."""
        if self.epoch is None:
            raise LeadershipLost("this dispatcher does not lead")
        if self._clock.monotonic() >= self._rescan_at:
            await self._look_at_all_lanes()
        async with self._store.round(self.holder, self.epoch, TTL) as round_:
            await self._configure(round_)
            admitted = await self._admission.run(round_, self._clock.now())
        self._recovery.round_succeeded()
        for worker_id, ids in admitted.by_worker.items():
            self._ring(admitted.addresses[worker_id], list(ids))
        if admitted.overdue:
            await self._expire(list(admitted.overdue))
        self.held = admitted.held
        self._warn(admitted.held)
        if admitted.taken_back:
            await self._take_back(list(admitted.taken_back))
        return admitted

    async def _look_at_all_lanes(self) -> None:
        """The safety net for lost wake-ups. It costs the backlog, so no round but a leader's first waits for it."""
        if not self._looked:
            await self._hear_all()
            self._looked = True
        elif self._look is None or self._look.done():
            self._look = asyncio.create_task(self._hear_all_aside())

    async def _hear_all_aside(self) -> None:
        try:
            await self._hear_all()
        except StorageUnavailable as error:
            log.warning("waiting lanes could not be read", error=str(error))
            self._rescan_at = self._clock.monotonic() + POLL

    async def _hear_all(self) -> None:
        began = self._clock.monotonic()
        self._admission.hear(await self._store.waiting_lanes())
        took = self._clock.monotonic() - began
        self._rescan_at = self._clock.monotonic() + max(RESCAN, took * LOOK_SHARE)
        self._woken.set()

    async def _configure(self, round_: Round) -> None:
        book = await self._catalog.book(version=round_.config_version)
        if book is not self._book:
            self._admission.configure(book)
            self._book = book
            self._rescan_at = 0.0  # lanes of types that were not defined are not known

    def _ring(self, address: str, ids: list[str]) -> None:
        """Ring without waiting: the broker may be slow or away, and the next beat finds the tasks anyway."""
        ring = asyncio.create_task(self._doorbell.ring(address, ids))
        self._rings.add(ring)
        ring.add_done_callback(self._rings.discard)

    async def _expire(self, ids: list[str]) -> None:
        now = self._clock.now()
        await self._mover.move(ids, lambda task: expire(task, now))

    def _warn(self, held: Mapping[str, Cause]) -> None:
        """Say of queues whose tasks nobody can perform that it is so; not with every round."""
        now = self._clock.monotonic()
        for queue in {cause.scope.removeprefix("queue:") for cause in held.values() if cause.kind == "no_worker"}:
            if now >= self._warn_at.get(queue, 0.0):
                self._warn_at[queue] = now + WARN_EVERY
                log.warning("tasks wait in a queue that no live worker serves", queue=queue)

    async def _take_back(self, ids: list[str]) -> None:
        now = self._clock.now()
        words = "a limit was lowered or its scope was paused before it began."

        def decide(task: Task) -> Change | None:
            return unqueue(task, now, words, "withdrawn") if task.status is Status.QUEUED else None

        await self._mover.move(ids, decide)

    async def _recover(self) -> None:
        if self._clock.monotonic() >= self._recover_at:
            self._recover_at = self._clock.monotonic() + POLL
            await self._recovery.run()

    def _wait(self, admitted: Admitted) -> float:
        if admitted.more:
            return 0.0
        due: datetime | None = admitted.next_due
        if due is None:
            return POLL
        return min(POLL, max(0.001, (due - self._clock.now()).total_seconds()))

    async def _listen(self) -> None:
        async with self._signals.subscribe(DISPATCH) as messages:
            async for message in messages:
                self._admission.hear(message.get("lanes", ()))
                if "missed" in message:
                    self._rescan_at = 0.0
                self._woken.set()
