"""Text as it comes: shown a few times a second, however many pieces it comes in."""

from __future__ import annotations

import asyncio

from tradefree.tasks.ports import Run

PAUSE = 0.25
"""Seconds between two pieces that are shown. Models send some fifty words a second, each an event of its own."""


class Speech:
    """Gathers pieces. The first is shown at once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pieces: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def say(self, text: str) -> None:
        """Go on with the text."""
        if not text:
            return
        self._pieces.append(text)
        if self._timer is None:
            self._show()

    def replace(self, text: str) -> None:
        """Take back all that was said, and say this instead (a moderated answer)."""
        self._pieces.clear()
        self._run.partial(text, replace=True)

    def close(self) -> None:
        """Show what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._show()
        if self._timer is not None:
            self._timer.cancel()

    def _show(self) -> None:
        self._timer = None
        if self._pieces:
            self._run.partial("".join(self._pieces))
            self._pieces.clear()
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._show)
