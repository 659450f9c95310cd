"""The storm's own clock: it stands still while nothing is left to strike, so that a slow machine has the same storm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

STEP = 0.02


class Pace:
    """Seconds of storm. They pass only while ``stands`` says that some service and some worker stand."""

    def __init__(self, stands: Callable[[], bool]) -> None:
        self.now = 0.0
        self._stands = stands

    async def run(self) -> None:
        """Let time pass, until cancelled."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(STEP)
            now = time.monotonic()
            if self._stands():
                self.now += min(now - last, 10 * STEP)
            last = now

    async def until(self, moment: float) -> None:
        """Return at this moment of the storm."""
        while self.now < moment:  # noqa: ASYNC110 (time is what passes here)
            await asyncio.sleep(STEP)
