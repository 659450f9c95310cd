"""What the stand-in saw: every run's beginning and end, stops, refusals, and how many ran at once.

With a file, each fact is one JSON line, written and flushed at once, so it survives a killed process
(the facts lie with the operating system; a power cut could lose the last ones).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from tradefree.testing.dify_standin.run import Run


@dataclass(slots=True)
class Entry:
    """One run. `*_wall` are Unix seconds; `*_mono` the machine's monotonic clock, the same for all its processes."""

    run_id: str
    task_id: str
    app: str
    user: str
    mode: str
    inputs_digest: str
    groups: dict[str, str] = field(default_factory=dict)
    accepted_wall: float = 0.0
    accepted_mono: float = 0.0
    started_wall: float | None = None
    started_mono: float | None = None
    ended_wall: float | None = None
    ended_mono: float | None = None
    outcome: str | None = None
    """Status told to the caller, or `lost` (worker died), `hung` (never started), `error` (error event)."""
    stop_asked_mono: float | None = None
    busy_until_mono: float | None = None
    """A stopped run whose node went on working in the background until then."""
    pauses: list[list[float]] = field(default_factory=list)
    """When it paused for a person and when it went on, by the monotonic clock; the last one may have no end."""


class Ledger:
    """Counts live and keeps all entries in memory."""

    def __init__(self, group_by: list[str] | None = None, file: Path | str | None = None) -> None:
        self._group_by = group_by or []
        self._path = Path(file) if file else None
        self._file: IO[bytes] | None = None
        self.clear()

    def clear(self) -> None:
        """Forget everything; the file is kept."""
        self.entries: dict[str, Entry] = {}
        """By run id, in the order of acceptance."""
        self.refused: Counter[str] = Counter()
        """Calls that started no run, by reason."""
        self.faults: Counter[str] = Counter()
        """Effects that struck, by name."""
        self.stops = 0
        self._open = self._running = 0
        self._peak_open = self._peak_running = 0
        self._open_by: Counter[str] = Counter()
        self._running_by: Counter[str] = Counter()
        self._peak_by: Counter[str] = Counter()
        self._write("reset")

    def __enter__(self) -> Ledger:
        if self._path:
            self._file = self._path.open("ab")
            if self._file.tell():
                self._file.write(b"\n")  # the process before may have left a torn line
            self._write("boot", pid=os.getpid(), wall=time.time(), mono=time.monotonic())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def accepted(self, run: Run, given: dict[str, Any]) -> None:
        """A call was accepted; the run may still wait for a slot. `given` are the inputs as sent."""
        wall, mono = time.time(), time.monotonic()
        digest = hashlib.sha256(orjson.dumps(run.inputs, option=orjson.OPT_SORT_KEYS)).hexdigest()
        groups = {name: str(given[name]) for name in self._group_by if given.get(name) is not None}
        entry = Entry(run.id, run.task_id, run.app.name, run.user, run.mode, digest, groups, wall, mono)
        self.entries[run.id] = entry
        self._open += 1
        self._open_by[entry.app] += 1
        self._peak_open = max(self._peak_open, self._open)
        if self._file:
            facts = {name: value for name, value in asdict(entry).items() if value is not None}
            self._write("accepted", **facts)

    def started(self, run: Run) -> None:
        entry = self.entries.get(run.id)
        if entry is None:
            return
        entry.started_wall, entry.started_mono = time.time(), time.monotonic()
        self._count(entry, 1)
        self._write("started", run_id=run.id, started_wall=entry.started_wall, started_mono=entry.started_mono)

    def paused(self, run: Run) -> None:
        """It waits for a person, and nothing works on it."""
        if entry := self.entries.get(run.id):
            entry.pauses.append([time.monotonic()])
            self._count(entry, -1)
            self._write("paused", run_id=run.id, pauses=entry.pauses)

    def resumed(self, run: Run) -> None:
        """It goes on: the same run."""
        if entry := self.entries.get(run.id):
            entry.pauses[-1].append(time.monotonic())
            self._count(entry, 1)
            self._write("resumed", run_id=run.id, pauses=entry.pauses)

    def ended(self, run: Run, outcome: str, busy_seconds: float | None = None) -> None:
        """The run is over for its caller. `busy_seconds`: its node goes on so long in the background."""
        entry = self.entries.get(run.id)
        if entry is None or entry.outcome is not None:
            return
        entry.ended_wall, entry.ended_mono, entry.outcome = time.time(), time.monotonic(), outcome
        if busy_seconds:
            entry.busy_until_mono = entry.ended_mono + busy_seconds
        self._open -= 1
        self._open_by[entry.app] -= 1
        if entry.started_mono is not None:
            self._count(entry, -1)
        facts = {"ended_wall": entry.ended_wall, "ended_mono": entry.ended_mono, "outcome": outcome}
        self._write("ended", run_id=run.id, busy_until_mono=entry.busy_until_mono, **facts)

    def stop_asked(self, run: Run | None, task_id: str) -> None:
        """Somebody called stop; the run is None for a task that is not known."""
        self.stops += 1
        entry = self.entries.get(run.id) if run else None
        if entry and entry.stop_asked_mono is None:
            entry.stop_asked_mono = time.monotonic()
        run_id = run.id if run else None
        self._write("stop_asked", run_id=run_id, task_id=task_id, stop_asked_mono=time.monotonic())

    def refuse(self, app: str, user: str, why: str) -> None:
        """A call was answered without starting a run."""
        self.refused[why] += 1
        self._write("refused", app=app, user=user, why=why, wall=time.time(), mono=time.monotonic())

    def open_runs(self, app: str) -> int:
        """Runs of the app that are queued or running."""
        return self._open_by[app]

    def summary(self) -> dict[str, Any]:
        """Counts. Peaks: `running` is from start to end, `open` from acceptance to end; groups are `name=value`."""
        outcomes = Counter(entry.outcome for entry in self.entries.values() if entry.outcome is not None)
        return {
            "runs": len(self.entries),
            "open": self._open,
            "running": self._running,
            "outcomes": dict(outcomes),
            "refused": dict(self.refused),
            "faults": dict(self.faults),
            "stops": self.stops,
            "peak": {"running": self._peak_running, "open": self._peak_open, "by_group": dict(self._peak_by)},
        }

    def _count(self, entry: Entry, change: int) -> None:
        self._running += change
        self._peak_running = max(self._peak_running, self._running)
        for group in _groups(entry):
            self._running_by[group] += change
            self._peak_by[group] = max(self._peak_by[group], self._running_by[group])

    def _write(self, fact: str, **facts: Any) -> None:
        if self._file:
            self._file.write(orjson.dumps({"fact": fact, **facts}) + b"\n")
            self._file.flush()


def _groups(entry: Entry) -> list[str]:
    return [f"app={entry.app}", *(f"{name}={value}" for name, value in entry.groups.items())]
