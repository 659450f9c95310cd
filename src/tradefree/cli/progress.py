"""Progress on stderr, for terminals: of a file being read, of tasks being waited for."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tradefree.cli.exits import lost
from tradefree.client.progress import Advance, bar
from tradefree.client.stream import final_status

if TYPE_CHECKING:
    from tradefree.cli.client import Client

WATCHED = 8
"""Tasks watched at once; more would only make more connections."""


@contextlib.contextmanager
def lines_of(path: Path) -> Iterator[tuple[Iterable[bytes], Advance]]:
    """A file's lines (``-``: stdin's) and a function that moves the bar by so many tasks."""
    if str(path) == "-":
        with bar("submitted", None) as advance:
            yield sys.stdin.buffer, advance
        return
    with path.open("rb") as counted:
        total = sum(1 for line in counted if line.strip())
    with path.open("rb") as file, bar("submitted", total) as advance:
        yield file, advance


async def waiting(client: Client, ids: list[str]) -> dict[str, int]:
    """Wait for these tasks; how many ended in each status."""
    counts: Counter[str] = Counter()
    left = iter(ids)
    with bar("ended", len(ids)) as advance:

        async def watch() -> None:
            for task_id in left:
                counts[await final_status(client, task_id, on_lost=lost)] += 1
                advance(1)

        await asyncio.gather(*(watch() for _ in range(min(WATCHED, len(ids)))))
    return dict(counts)
