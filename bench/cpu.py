"""CPU time and memory of processes, from /proc (Linux)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Places in /proc/PID/stat, counted after the name (proc(5))."""


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process and its living descendants have used."""
    parents = {int(entry.name): _stat(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return sum(
        (int(stat[_USER]) + int(stat[_SYSTEM])) / _TICK for child in _family(pid, parents) if (stat := parents[child])
    )


def memory_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _stat(entry: Path) -> list[str]:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return []


def _family(pid: int, stats: Mapping[int, list[str]]) -> Iterator[int]:
    if pid not in stats:
        return
    yield pid
    for child, stat in stats.items():
        if stat and int(stat[_PARENT]) == pid:
            yield from _family(child, stats)


class CpuMeter:
    """CPU seconds of named processes since it was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        self._ours = time.process_time()

    def read(self) -> dict[str, float]:
        """CPU seconds by name; ``client`` is this process without its children."""
        spent = {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
        return {**spent, "client": time.process_time() - self._ours}
