"""What a person sees while it runs: progress of all steps, and a line for each thing measured."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Watch:
    """Draws only when something was measured: drawing all the time would take CPU from what is measured."""

    def __init__(self, title: str, steps: int) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=self.console, auto_refresh=False)
        self._task = self._progress.add_task(title, total=steps)

    def __enter__(self) -> Watch:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, line: str) -> None:
        """One more step is done; this came of it."""
        self._progress.console.print(line)
        self._progress.advance(self._task)
        self._progress.refresh()
