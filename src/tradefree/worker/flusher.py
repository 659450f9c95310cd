"""The flusher: log lines of attempts under way, written a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from tradefree.errors import StorageUnavailable
from tradefree.tasks.ports import Signals, WorkStore, task_topic
from tradefree.worker.performance import Performance

FLUSH_EVERY = 0.2
"""Seconds between writes."""

log = structlog.get_logger(__name__)


class LogFlusher:
    """Writes what running attempts have logged. An attempt's last lines go with its end, after these."""

    def __init__(self, store: WorkStore, signals: Signals, running: Callable[[], Iterable[Performance]]) -> None:
        self._store = store
        self._signals = signals
        self._running = running

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            await self._flush()

    async def _flush(self) -> None:
        writers = [performance for performance in self._running() if performance.lines]
        if not writers:
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for performance in writers:
            performance.flushing = written
        try:
            await self._write(writers)
        finally:
            written.set_result(None)
            for performance in writers:
                performance.flushing = None

    async def settle(self, performance: Performance, still_wanted: Callable[[], bool]) -> None:
        """Return when nothing is being written that the attempt's last lines must come after."""
        while performance.flushing is not None or (performance.unsure and still_wanted()):
            if performance.flushing is not None:
                await asyncio.wait([performance.flushing])
            else:
                await asyncio.sleep(FLUSH_EVERY)

    async def _write(self, writers: list[Performance]) -> None:
        taken = [(performance, performance.take_lines()) for performance in writers]
        again = any(performance.unsure for performance in writers)
        try:
            await self._store.append_logs([line for _, lines in taken for line in lines], again=again)
        except StorageUnavailable:
            for performance, lines in taken:
                performance.lines[:0] = lines
                performance.unsure = True
        except Exception:
            log.exception("log lines could not be stored")
            for performance in writers:
                performance.unsure = performance.unsure and len(writers) > 1
            if len(writers) > 1:  # one of them is to blame: let the others' lines through
                for performance, lines in taken:
                    performance.lines[:0] = lines
                    await self._write([performance])
        else:
            for performance in writers:
                performance.unsure = False
                self._signals.publish(task_topic(performance.task_id), {"kind": "log"})
