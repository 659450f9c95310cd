"""The writer: what a worker hands in, coalesced; and one bad result never harms its neighbours."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import orjson
import structlog

from tradefree.batching import Coalescer
from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.clipping import clip
from tradefree.tasks.mover import Mover
from tradefree.tasks.outcome import Completed, DidNotWork, Report
from tradefree.tasks.ports import UNTRACED, Signals, Store, Tracer
from tradefree.tasks.recover import rules_of
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, finish

PAUSE = 0.02
"""Seconds between transactions of results at the least: those that come closer share one."""
RETRY_EVERY = 0.5
"""Seconds between tries while the database is away."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def insist(unit: Callable[[], Awaitable[T]], still_wanted: Callable[[], bool]) -> T | None:
    """Repeat a unit until the database answers; None once it is no longer wanted (the worker was fenced)."""
    while still_wanted():
        try:
            return await unit()
        except StorageUnavailable as error:
            log.warning("database unavailable; trying again", error=str(error))
            await asyncio.sleep(RETRY_EVERY)
    return None


@dataclass(frozen=True, slots=True)
class _Item:
    """One attempt's end, the task as it was claimed, and the bytes of the result."""

    task: Task
    report: Report
    weight: int

    @property
    def completed(self) -> bool:
        return isinstance(self.report.outcome, Completed)


def _alike(batch: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Successes first: nothing that others may have done to the task meanwhile matters to them, as what happens to
    the rest depends on whether somebody asked for a cancel."""
    for completed in (True, False):
        if items := [item for item in batch if item.completed is completed]:
            yield items


class Writer:
    """Writes the ends of attempts in batches."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        signals: Signals,
        clock: Clock,
        *,
        resumable: frozenset[str],
        max_output_bytes: int,
        well: Callable[[], bool],
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._tracer = tracer
        self._mover = Mover(store, catalog, signals)
        self._catalog = catalog
        self._clock = clock
        self._resumable = resumable
        self._max_output_bytes = max_output_bytes
        self._well = well
        """False once nothing more may be written. A fenced worker may: what is another's by then is not taken."""
        self._coalescer = Coalescer[_Item, None](self._write, size=lambda item: item.weight, pause=PAUSE)

    async def finish(self, task: Task, report: Report) -> None:
        """Hand in one attempt's end; returns when it is written or was found to be another's."""
        report, weight = self._weigh(report)
        await self._coalescer.put(_Item(task, report, weight))

    def _weigh(self, report: Report) -> tuple[Report, int]:
        """The report and its size in bytes; one that is no JSON is a failure, one over the limit is clipped."""
        if not isinstance(report.outcome, Completed):
            return report, 1000
        try:
            raw = orjson.dumps(report.outcome.output)
        except TypeError as error:
            return _unstorable(report, f"the result cannot be stored as JSON: {error}"), 1000
        if len(raw) <= self._max_output_bytes:
            return report, len(raw)
        output, what = clip(raw, self._max_output_bytes)
        note = " ".join(filter(None, (report.outcome.note, what.words)))
        return replace(report, outcome=replace(report.outcome, output=output, note=note)), self._max_output_bytes

    async def _write(self, batch: list[_Item]) -> Sequence[None]:
        for items in _alike(batch):
            await self._write_items(items)
        return [None] * len(batch)

    async def _write_items(self, items: list[_Item]) -> None:
        try:
            await insist(lambda: self._decide(items), self._well)
        except Exception as error:
            if len(items) == 1:
                log.exception("a result could not be stored", task_id=items[0].task.id)
                told = [replace(items[0], report=_unstorable(items[0].report, _first_line(error)))]
                await insist(lambda: self._decide(told), self._well)
                return
            middle = len(items) // 2
            await self._write_items(items[:middle])
            await self._write_items(items[middle:])

    async def _decide(self, items: Sequence[_Item]) -> list[Change]:
        types = await self._catalog.types()
        by_id = {item.report.task_id: item.report for item in items}
        believed = [item.task for item in items] if items[0].completed else ()
        now = self._clock.now()
        luck = {task_id: random.random() for task_id in by_id}  # noqa: S311

        def decide(task: Task) -> Change | None:
            rules = rules_of(types.get(task.type), self._resumable)
            return finish(task, by_id[task.id], rules, now, luck[task.id])

        changes = await self._mover.move(list(by_id), decide, believed=believed)
        for change in changes:
            self._tracer.settled(change.before, change.status)
        return changes


def _unstorable(report: Report, reason: str) -> Report:
    return replace(report, outcome=DidNotWork("result_unstorable", reason, retryable=False), lines=())


def _first_line(error: Exception) -> str:
    return f"the database refused the result: {str(error).partition(chr(10))[0][:500]}"
