"""Waiting for what other processes do: a condition that is asked for again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tradefree.testing.cluster import Node

PATIENCE = 90.0
"""Seconds any condition may take on a busy machine."""
SOONEST, LATEST = 0.02, 0.1
"""Seconds between two looks. Who looks is served by the same processor as those it waits for, so what has taken long
already is looked at less often."""

T = TypeVar("T")


def wait_for(probe: Callable[[], T | None], what: str, *nodes: Node, patience: float = PATIENCE) -> T:
    """The first truthy answer of ``probe``; fails when patience runs out, saying for what, and what the nodes said."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < patience:
        if found := probe():
            return found
        time.sleep(min(max(waited / 10, SOONEST), LATEST))
    logs = "".join(f"\n{node.name}: …{node.log.read_text(errors='replace')[-2000:]}" for node in nodes)
    raise AssertionError(f"waited {patience:g} s for {what}{logs}")
