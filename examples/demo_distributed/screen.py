"""What a person sees while it runs: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo import COLOURS
from demo_distributed.stage import Stage, name_of
from demo_distributed.timeline import Timeline, mmss
from demo_distributed.watch import Watch
from tradefree.testing.processes import Child

NOTES_SHOWN = 8
"""The latest ones, so that everything fits into 24 lines."""
PLAIN_EVERY = 5.0
"""Seconds between plain lines of progress."""
SHOWN = ("scheduled", "pending", "queued", "processing", "completed", "failed", "cancelled")


class Screen:
    """One bar for all tasks, a line for each process, and what was struck."""

    def __init__(self, console: Console, stage: Stage, watch: Watch, timeline: Timeline) -> None:
        self._console = console
        self._stage = stage
        self._watch = watch
        self._timeline = timeline

    @contextlib.asynccontextmanager
    async def showing(self) -> AsyncIterator[None]:
        """Show it, as well as this console can, until the end of the block."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            with Live(get_renderable=self.picture, console=self._console, refresh_per_second=6):
                yield
            return
        telling = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling

    # ── live ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def picture(self) -> Group:
        """Everything, as it is now."""
        head = Table.grid(padding=(0, 1))
        width = min(60, self._console.width - 20)
        bar = ProgressBar(self._watch.total, self._watch.latest.ended, width=width)
        head.add_row(bar, f"{self._watch.latest.ended}/{self._watch.total}", mmss(self._timeline.now))
        processes = Table.grid(padding=(0, 2))
        for child in self._stage.children:
            processes.add_row(f" {name_of(child)}", Text.from_markup(self._state(child)))
        return Group(head, self._counts(), "", processes, "", *self._notes())

    def _counts(self) -> Text:
        by_status = self._watch.latest.by_status
        words = [f"[{COLOURS.get(s, 'dim')}]{by_status[s]} {s}[/]" for s in SHOWN if by_status.get(s)]
        return Text.from_markup(" · ".join(words))

    def _state(self, child: Child) -> str:
        strike = self._timeline.last_strike(name_of(child))
        since = f"[red]killed at {mmss(self._timeline.seconds(strike.at))}[/]" if strike else ""
        if strike and strike.back_after is None:
            return since + (", starting again" if child.lives else "")
        words = ["[green]up[/]"]
        if child in self._stage.workers:
            words.append(f"{self._watch.latest.running.get(child.name, 0)} tasks")
        if child.name == self._watch.latest.leader:
            words.append("[bold cyan]leads[/]")
        if strike:
            words.append(f"{since}, back after {strike.back_after:.1f} s")
        return " · ".join(words)

    def _notes(self) -> list[Text]:
        return [Text.from_markup(f" {mmss(at)}  {words}") for at, words in self._timeline.notes[-NOTES_SHOWN:]]

    # ── plain ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _tell(self) -> None:
        told, next_at = 0, 0.0
        try:
            while True:
                told = self._tell_notes(told)
                if self._timeline.now >= next_at:
                    self._tell_progress()
                    next_at = self._timeline.now + PLAIN_EVERY
                await asyncio.sleep(0.2)
        finally:
            self._tell_notes(told)
            self._tell_progress()

    def _tell_notes(self, told: int) -> int:
        for at, words in self._timeline.notes[told:]:
            self._console.print(f"{mmss(at)}  {words}")
        return len(self._timeline.notes)

    def _tell_progress(self) -> None:
        if self._watch.latest.by_status:
            line = Text(f"{mmss(self._timeline.now)}  {self._watch.latest.ended}/{self._watch.total}  ")
            self._console.print(line + self._counts())
