"""Questions about what the stand-in saw, from a live ledger or from the file of a process that was killed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from tradefree.testing.dify_standin.apps import TASK_PATTERN
from tradefree.testing.dify_standin.ledger import Entry

_NAMES = {field.name for field in fields(Entry)}


def read_ledger(file: Path | str) -> list[Entry]:
    """The runs in a ledger file since its last reset, in the order of acceptance.

    A run that was open when the process died has no end, or, if another process went on with the file, the outcome
    `killed` and that process's beginning as its end. The last line may be torn and is then left out.
    """
    entries: dict[str, Entry] = {}
    for line in Path(file).read_bytes().split(b"\n"):
        try:
            fact = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if fact["fact"] == "reset":
            entries.clear()
        elif fact["fact"] == "boot":
            _end_open(entries.values(), fact)
        elif fact["fact"] == "accepted":
            entries[fact["run_id"]] = Entry(**_known(fact))
        elif (entry := entries.get(fact.get("run_id") or "")) is not None:
            for name, value in _known(fact).items():
                setattr(entry, name, value)
    return list(entries.values())


def runs_by_task(entries: Iterable[Entry], pattern: str = TASK_PATTERN) -> dict[str, list[Entry]]:
    """The runs of each task in the order of acceptance; users that do not match the pattern are left out."""
    found: dict[str, list[Entry]] = defaultdict(list)
    matcher = re.compile(pattern)
    for entry in entries:
        if match := matcher.match(entry.user):
            found[match["task"]].append(entry)
    return {task: sorted(runs, key=lambda entry: entry.accepted_mono) for task, runs in found.items()}


def overlapping_runs(
    entries: Iterable[Entry], pattern: str = TASK_PATTERN, *, leftovers: bool = False
) -> list[tuple[Entry, Entry]]:
    """Pairs of runs of one task of which the second was accepted before the first had ended.

    Runs that never started (`hung`) do not count. A run without an end is open for ever.
    `leftovers`: a stopped run lasts until its node ended in the background.
    """
    pairs = []
    for runs in runs_by_task(entries, pattern).values():
        real = [entry for entry in runs if entry.outcome != "hung"]
        longest: Entry | None = None
        for earlier, later in pairwise(real):
            if longest is None or _end(earlier, leftovers) > _end(longest, leftovers):
                longest = earlier
            if later.accepted_mono < _end(longest, leftovers):
                pairs.append((longest, later))
    return pairs


def peak_running(entries: Iterable[Entry], group: str | None = None) -> int:
    """Most runs between start and end at one moment; `group` is `app=name` or `field=value`."""
    changes: list[tuple[float, int]] = []
    for entry in entries:
        if entry.started_mono is None or not _in_group(entry, group):
            continue
        changes += [(entry.started_mono, 1), (_end(entry, leftovers=False), -1)]
        for begin, *end in entry.pauses:
            changes += [(begin, -1), (end[0] if end else _end(entry, leftovers=False), 1)]
    peak = running = 0
    for _, change in sorted(changes):
        running += change
        peak = max(peak, running)
    return peak


def _end_open(entries: Iterable[Entry], boot: dict[str, Any]) -> None:
    for entry in entries:
        if entry.outcome is None:
            entry.ended_wall, entry.ended_mono, entry.outcome = boot["wall"], boot["mono"], "killed"


def _end(entry: Entry, leftovers: bool) -> float:
    if entry.ended_mono is None:
        return float("inf")
    return max(entry.ended_mono, entry.busy_until_mono or 0.0) if leftovers else entry.ended_mono


def _in_group(entry: Entry, group: str | None) -> bool:
    if group is None:
        return True
    name, _, value = group.partition("=")
    return entry.app == value if name == "app" else entry.groups.get(name) == value


def _known(fact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fact.items() if name in _NAMES}
