"""The runtime: one event loop in which thousands of attempts run. It claims, beats, performs, hands in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial

import structlog

from tradefree.batching import Coalescer
from tradefree.clock import Clock, wait_at_most
from tradefree.errors import Outdated, StorageUnavailable
from tradefree.ids import new_id
from tradefree.tasks import ports
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.outcome import DidNotWork, HandBack, Outcome, Report
from tradefree.tasks.ports import DISPATCH, WORKERS, Runner, RunState, Signals, Store, task_topic
from tradefree.tasks.recover import LEASE
from tradefree.tasks.task import LogLine, Task, Worker, WorkerStatus
from tradefree.worker.flusher import LogFlusher
from tradefree.worker.gauge import Gauge
from tradefree.worker.needs import Needs, needs_of
from tradefree.worker.performance import Performance
from tradefree.worker.writer import PAUSE, Writer, insist

BEAT_EVERY = 2.0
"""Seconds between beats."""
MARGIN = 3.0
"""Seconds before its lease ends at which a worker that could not beat stops performing."""
HAND_IN_WITHIN = 15.0
"""Seconds that the last results may take to be written at a stop, should the database be busy."""
CLAIM_AT_ONCE = 100
"""Tasks of one claim. Few enough that the last of them begins soon after it was claimed: with 500, the last of 2,000
calls that begin at once began a second late."""
TELL_WITHIN = 2.0
"""Seconds that an attempt waits for the beat which tells that its upstream had no room."""
AHEAD = 0.25
"""A worker wants at hand as many tasks as it ends in so many seconds: what passes between an end and the next task's
arrival on a busy machine. At most its capacity once more."""

log = structlog.get_logger(__name__)


class Runtime:
    """A worker incarnation after another: when one is fenced, the next enlists."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        runners: Mapping[str, Runner],
        signals: Signals,
        clock: Clock,
        name: str,
        address: str,
        queues: tuple[str, ...],
        capacity: int,
        max_output_bytes: int,
        version: str,
        observer: ports.WorkObserver = ports.UNSEEN,
        tracer: ports.Tracer = ports.UNTRACED,
        on_drained: Callable[[], None] = lambda: None,
    ) -> None:
        self.id = ""
        self._observer = observer
        self._tracer = tracer
        self._store = store
        self._catalog = catalog
        self._runners = runners
        self._signals = signals
        self._clock = clock
        self._name = name
        self._address = address
        self._queues = queues
        self._capacity = capacity
        self._version = version
        self._running: dict[str, Performance] = {}
        self._offered: dict[str, None] = {}
        """Ids that are said to be ours, in the order heard."""
        self._ended = 0
        """Attempts ended since the last beat."""
        self._beat_at = 0.0
        """When (monotonic) the last beat began."""
        self._lease_ends = 0.0
        self._draining = False
        self._leaving = False
        self._on_drained = on_drained
        self._retired = False
        """True once this version must write nothing more."""
        self._work_to_claim = asyncio.Event()
        self._beat_now = asyncio.Event()
        self._gauge = Gauge()
        self._told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when a beat that is still to begin has said what was seen of connections."""
        self._claim_turn = asyncio.Lock()
        """Held while a claim is under way and until what it claimed is being performed."""
        self._states = Coalescer[tuple[str, RunState], bool](self._write_states, pause=PAUSE)
        self._flusher = LogFlusher(store, signals, lambda: list(self._running.values()))
        self._writer = Writer(
            store,
            catalog,
            signals,
            clock,
            resumable=frozenset(name for name, runner in runners.items() if runner.resumable),
            max_output_bytes=max_output_bytes,
            well=lambda: not self._retired,
            tracer=tracer,
        )

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def well(self) -> bool:
        """True while the lease surely holds."""
        return self._clock.monotonic() < self._lease_ends - MARGIN

    @property
    def running(self) -> int:
        """Attempts under way."""
        return len(self._running)

    async def start(self) -> None:
        """Enlist; raises StorageUnavailable if the database is away."""
        worker_id = new_id()
        now = self._clock.now()
        ends = self._clock.monotonic() + LEASE
        await self._store.enlist(
            Worker(
                id=worker_id,
                name=self._name,
                address=self._address,
                queues=self._queues,
                capacity=self._capacity,
                version=self._version,
                started_at=now,
                lease_until=now + timedelta(seconds=LEASE),
            ),
            LEASE,
        )
        self.id, self._lease_ends = worker_id, ends
        self._signals.publish(DISPATCH, {"lanes": []})
        log.info("worker ready", worker_id=worker_id, queues=list(self._queues), capacity=self._capacity)

    async def run(self) -> None:
        """Work until cancelled; ``drain`` first, to leave nothing behind. Raises Outdated if this version must stop."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beats())
                group.create_task(self._claims())
                group.create_task(self._flusher.run())
                group.create_task(self._listen())
        except BaseExceptionGroup as group_of:
            if (outdated := group_of.subgroup(Outdated)) is not None:
                await self._retire()
                raise outdated.exceptions[0] from None
            raise

    async def drain(self, patience: Callable[[], float]) -> None:
        """Take nothing new, let running attempts end for so many seconds, hand the others back, leave.

        ``patience`` is asked again and again: it may run out early (a second signal).
        """
        self._draining = True
        self._offered.clear()
        self._beat_now.set()
        if self._running:
            log.info("stopping; a second signal hands running tasks back", running=len(self._running), waits=patience())
        async with self._claim_turn:  # what is being claimed is ours to end, too
            pass
        began = self._clock.monotonic()
        while self._running and self._clock.monotonic() < began + patience():
            await asyncio.wait(self._coroutines(), timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        handed_back = self._coroutines()
        for performance in self._running.values():
            performance.hand_back()
        if handed_back:
            await asyncio.wait(handed_back, timeout=HAND_IN_WITHIN)
        self._leaving = True
        with contextlib.suppress(StorageUnavailable):
            await self._store.leave(self.id)
            self._signals.publish(DISPATCH, {"lanes": []})
        log.info("worker left", worker_id=self.id, handed_back=len(handed_back))

    def _coroutines(self) -> list[asyncio.Task[None]]:
        return [p.coroutine for p in self._running.values() if p.coroutine is not None]

    # ── hearing of work ─────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, ids: Iterable[str]) -> None:
        """These tasks are said to be ours (a ring, or the beat)."""
        if self._draining:
            return
        self._offered.update(dict.fromkeys(id_ for id_ in ids if id_ not in self._running))
        self._work_to_claim.set()

    async def _listen(self) -> None:
        """Somebody wants us to look now."""
        async with self._signals.subscribe(WORKERS) as messages:
            async for message in messages:
                if "missed" in message or self.id in message.get("ids", ()):
                    self._beat_now.set()

    # ── beats ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _beats(self) -> None:
        while True:
            await wait_at_most(self._beat_now, BEAT_EVERY)
            self._beat_now.clear()
            if self._leaving:
                return
            await self._carefully(self._beat)
            if not self.well:
                await self._carefully(self._fenced)

    async def _carefully(self, step: Callable[[], Awaitable[None]]) -> None:
        """One fault must not end the worker: the lease tells whether it matters, and the next beat tries again."""
        try:
            await step()
        except Outdated:
            raise
        except Exception:
            log.exception("a step failed unexpectedly", worker_id=self.id)

    async def _beat(self) -> None:
        began = self._clock.monotonic()
        ended, self._ended = self._ended, 0
        passed, self._beat_at = began - self._beat_at, began
        late = max(0.0, passed - BEAT_EVERY) if passed < began else 0.0
        ahead = min(self._capacity, int(ended * AHEAD / max(passed, BEAT_EVERY / 2)))
        try:
            async with asyncio.timeout(max(0.1, self._lease_ends - MARGIN - began)):
                pressure = self._gauge.read(self._running.values(), began)
                told, self._told = self._told, asyncio.get_running_loop().create_future()
                beat = await self._store.beat(self.id, LEASE, ahead=ahead, draining=self._draining, pressure=pressure)
                told.set_result(None)
                await self._catalog.types(version=beat.config_version)
        except (StorageUnavailable, TimeoutError) as error:
            self._ended += ended
            self._observer.beat(late, good=False)
            log.warning("beat failed", worker_id=self.id, error=str(error))
            return
        self._observer.beat(late, good=beat.alive)
        if not beat.alive:
            self._lease_ends = 0.0
            return
        self._lease_ends = began + LEASE
        for task_id in beat.cancels:
            if task_id in self._running:
                self._running[task_id].doing.cancel()
        self.hear(beat.queued)
        busy = self._running or self._offered or self._claim_turn.locked() or self._draining
        if beat.status == WorkerStatus.DRAINING and not busy:  # a person wants it to end
            self._on_drained()

    async def _fenced(self) -> None:
        """The lease is gone: others may have our tasks. Drop what is under way without a word, then begin anew.

        Results that are known already are handed in as soon as the database is there: if another has the task by then,
        they are not taken.
        """
        self._observer.lease_lost()
        log.error("lease lost; dropping all attempts", worker_id=self.id, running=len(self._running))
        await self._drop_all()
        fenced, known = self.id, self._coroutines()
        while not self.well and not self._draining:
            try:
                await self.start()
                if known:
                    await asyncio.wait(known, timeout=MARGIN)
                await self._store.leave(fenced)  # it did not die: no task is to be blamed
            except StorageUnavailable:
                await asyncio.sleep(BEAT_EVERY)

    async def _drop_all(self) -> None:
        dropped = [p for p in self._running.values() if self._retired or not p.outcome_known]
        for performance in dropped:
            performance.drop()
            del self._running[performance.task_id]
        self._offered.clear()
        if dropped:
            await asyncio.wait([p.coroutine for p in dropped if p.coroutine is not None], timeout=MARGIN)

    async def _retire(self) -> None:
        """Others speak another protocol now: write no result any more. Nobody died, so no task is to be blamed."""
        self._retired = True
        self._lease_ends = 0.0
        await self._drop_all()
        with contextlib.suppress(StorageUnavailable):
            await self._store.leave(self.id)

    # ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _claims(self) -> None:
        while True:
            await self._work_to_claim.wait()
            self._work_to_claim.clear()
            while (free := self._capacity - len(self._running)) > 0 and self._offered and not self._draining:
                ids = list(self._offered)[: min(free, CLAIM_AT_ONCE)]
                for task_id in ids:
                    del self._offered[task_id]
                async with self._claim_turn:
                    await self._carefully(partial(self._claim, ids))

    async def _claim(self, ids: list[str]) -> None:
        token, worker_id = new_id(), self.id
        tasks = await insist(
            lambda: self._store.claim(worker_id, ids, token), lambda: self.well and self.id == worker_id
        )
        for task in tasks or ():
            if self.well and self.id == worker_id:
                await self._perform(task)

    async def _perform(self, task: Task) -> None:
        self._signals.publish(task_topic(task.id), {"kind": "status", "status": task.status})
        self._observer.began(task)
        try:
            performance = await insist(lambda: self._prepare(task), lambda: self.well)
        except Exception as error:
            log.exception("a task could not be prepared", task_id=task.id)
            performance = DidNotWork("not_prepared", f"The worker could not prepare it: {error}", retryable=True)
        if performance is None or self.id != task.worker_id:
            self._observer.ended(task, None, None, 0.0)
        elif isinstance(performance, Performance):
            self._running[task.id] = performance
            performance.coroutine = asyncio.create_task(self._attempt(performance))
        else:
            self._observer.ended(task, None, performance, 0.0)
            await self._hand_in(task, performance, ())

    async def _prepare(self, task: Task) -> Performance | Outcome:
        needs = await needs_of(task, self._catalog, self._runners, worker=self._name)
        if not isinstance(needs, Needs):
            return needs
        found = (needs.task_type, needs.connection, needs.runner)
        return Performance(task, *found, save=self._save, signals=self._signals, clock=self._clock, tracer=self._tracer)

    # ── attempts ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _attempt(self, performance: Performance) -> None:
        task, outcome = performance.task, None
        try:
            with structlog.contextvars.bound_contextvars(**performance.names):
                outcome = await self._outcome(performance)
                if outcome is None:
                    return
                performance.outcome_known = True
                if self._gauge.ended(performance, outcome):
                    await self._tell()
                await self._flusher.settle(performance, lambda: not self._retired)
                await self._hand_in(task, outcome, tuple(performance.take_lines()))
        finally:
            if self._running.get(task.id) is performance:
                del self._running[task.id]
            self._ended += 1
            self._work_to_claim.set()
            performance.trace.ended(outcome)
            connection = performance.connection.name if performance.connection is not None else None
            self._observer.ended(task, connection, outcome, self._clock.monotonic() - performance.began)

    async def _outcome(self, performance: Performance) -> Outcome | None:
        """What came of it; None if the task is no longer ours to speak of."""
        try:
            return await performance.doing.perform()
        except asyncio.CancelledError:  # by ``hand_back`` or ``drop``
            return HandBack() if performance.handing_back else None

    async def _hand_in(self, task: Task, outcome: Outcome, lines: tuple[LogLine, ...]) -> None:
        worker_id = task.worker_id
        assert worker_id is not None
        await self._writer.finish(task, Report(task.id, task.attempt_count, worker_id, outcome, lines))

    async def _tell(self) -> None:
        """Let the leader hear what was seen of a connection before it gives the place to another task."""
        told = self._told
        self._beat_now.set()
        await asyncio.wait({told}, timeout=TELL_WITHIN)

    async def _save(self, performance: Performance, state: dict[str, object]) -> None:
        self._gauge.heard(performance)
        task = performance.task
        assert task.worker_id is not None
        worker_id = task.worker_id
        if not await self._states.put((worker_id, RunState(task.id, task.attempt_count, state))):
            performance.drop()
            await asyncio.sleep(0)  # the cancellation arrives here

    async def _write_states(self, batch: list[tuple[str, RunState]]) -> list[bool]:
        """States of the present incarnation; those of one that was fenced are not written any more."""
        worker_id = self.id
        mine = [state for owner, state in batch if owner == worker_id]
        saved = await insist(
            lambda: self._store.save_states(worker_id, mine), lambda: self.well and self.id == worker_id
        )
        kept = {state.task_id for state, good in zip(mine, saved or (), strict=False) if good}
        return [owner == worker_id and state.task_id in kept for owner, state in batch]
