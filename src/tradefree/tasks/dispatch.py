"""Dispatch: the loop of a task service that leads, or waits to.

Rounds are woken, not polled; a slow poll is the safety net.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

import structlog

from tradefree.clock import Clock, wait_at_most
from tradefree.errors import LeadershipLost, Outdated, StorageUnavailable
from tradefree.tasks.admit import Admission, Admitted
from tradefree.tasks.announce import announce
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import DISPATCH, Doorbell, Round, Signals, Store
from tradefree.tasks.recover import Recovery
from tradefree.tasks.transitions import expire

TTL = 3.0
"""Seconds of leadership: the death of a leader stalls starts for no longer."""
POLL = 1.0
"""Seconds between rounds when nothing wakes the dispatcher."""
RESCAN = 5.0
"""Seconds between looks at every waiting lane, for wake-ups that were lost."""
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
    ) -> None:
        self.holder = holder
        self.epoch: int | None = None
        """Not None while this dispatcher leads."""
        self._store = store
        self._catalog = catalog
        self._doorbell = doorbell
        self._signals = signals
        self._recovery = recovery
        self._clock = clock
        self._admission = Admission()
        self._version = -1
        self._rescan_at = 0.0
        self._recover_at = 0.0
        self._woken = asyncio.Event()
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
            with contextlib.suppress(StorageUnavailable):
                await asyncio.shield(self._store.resign(self.holder))

    async def _step(self) -> float:
        """One turn; seconds until the next if nothing wakes us before."""
        try:
            if self.epoch is None and not await self._lead():
                return POLL
            admitted = await self.round()
            await self._recover()
        except LeadershipLost:
            log.warning("leadership lost", holder=self.holder)
            self._stand_down()
            return POLL
        except StorageUnavailable as error:
            log.warning("database unavailable; dispatching pauses", error=str(error))
            self._stand_down()
            return POLL
        except Outdated:
            self._stand_down()
            raise
        except Exception:  # a fault in one round must not end dispatching for good
            log.exception("a round failed unexpectedly")
            self._stand_down()
            return POLL
        return self._wait(admitted)

    async def _lead(self) -> bool:
        self.epoch = await self._store.lead(self.holder, TTL)
        if self.epoch is not None:
            log.info("leading", holder=self.holder, epoch=self.epoch)
            self._admission = Admission()
            self._version = -1
            self._rescan_at = 0.0
            self._recovery.round_failed()
        return self.epoch is not None

    def _stand_down(self) -> None:
        self.epoch = None
        self._recovery.round_failed()

    async def round(self) -> Admitted:
        """Admit once, then ring the workers and let what has expired fail."""
        if self.epoch is None:
            raise LeadershipLost("this dispatcher does not lead")
        if self._clock.monotonic() >= self._rescan_at:
            self._admission.hear(await self._store.waiting_lanes())
            self._rescan_at = self._clock.monotonic() + RESCAN
        async with self._store.round(self.holder, self.epoch, TTL) as round_:
            await self._configure(round_)
            admitted = await self._admission.run(round_, self._clock.now())
        self._recovery.round_succeeded()
        for worker_id, ids in admitted.by_worker.items():
            self._ring(admitted.addresses[worker_id], list(ids))
        if admitted.overdue:
            await self._expire(list(admitted.overdue))
        return admitted

    async def _configure(self, round_: Round) -> None:
        types = await self._catalog.types(version=round_.config_version)
        if self._catalog.version != self._version:
            self._admission = Admission()  # lanes may be parked under what they no longer need
            self._admission.hear(await self._store.waiting_lanes())
            self._version = self._catalog.version
        self._admission.configure(types)

    def _ring(self, address: str, ids: list[str]) -> None:
        """Ring without waiting: the broker may be slow or away, and the next beat finds the tasks anyway."""
        ring = asyncio.create_task(self._doorbell.ring(address, ids))
        self._rings.add(ring)
        ring.add_done_callback(self._rings.discard)

    async def _expire(self, ids: list[str]) -> None:
        now = self._clock.now()
        announce(self._signals, await self._store.decide(ids, lambda task: expire(task, now)))

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
