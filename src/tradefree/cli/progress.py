"""Progress on stderr, for terminals: of a file being read, of tasks being waited for."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tradefree.cli.follow import final_status

if TYPE_CHECKING:
    from rich.progress import Progress

    from tradefree.cli.client import Client

WATCHED = 8
"""Tasks watched at once; more would only make more connections."""


@contextlib.contextmanager
def lines_of(path: Path) -> Iterator[tuple[Iterable[bytes], Callable[[int], None]]]:
    """A file's lines (``-``: stdin's) and a function that moves the bar by so many tasks."""
    if str(path) == "-":
        with _bar() as bar:
            task = bar.add_task("submitted", total=None)
            yield sys.stdin.buffer, lambda count: bar.advance(task, count)
        return
    with path.open("rb") as counted:
        total = sum(1 for line in counted if line.strip())
    with path.open("rb") as file, _bar() as bar:
        task = bar.add_task("submitted", total=total)
        yield file, lambda count: bar.advance(task, count)


async def waiting(client: Client, ids: list[str]) -> dict[str, int]:
    """Wait for these tasks; how many ended in each status."""
    counts: Counter[str] = Counter()
    left = iter(ids)
    with _bar() as bar:
        task = bar.add_task("ended", total=len(ids))

        async def watch() -> None:
            for task_id in left:
                counts[await final_status(client, task_id)] += 1
                bar.advance(task)

        await asyncio.gather(*(watch() for _ in range(min(WATCHED, len(ids)))))
    return dict(counts)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
