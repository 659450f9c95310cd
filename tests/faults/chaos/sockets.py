"""Which process has which connection (Linux)."""

from __future__ import annotations

import os
from pathlib import Path


def ports_of(pid: int) -> set[int]:
    """The local TCP ports of a process; none if it has gone."""
    by_inode = _ports_by_inode()
    ports: set[int] = set()
    try:
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return ports
    for handle in handles:
        try:
            target = os.readlink(handle)
        except OSError:
            continue
        if target.startswith("socket:["):
            ports.add(by_inode.get(target[8:-1], 0))
    return ports - {0}


def _ports_by_inode() -> dict[str, int]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {fields[9]: int(fields[1].rpartition(":")[2], 16) for fields in map(str.split, lines)}
