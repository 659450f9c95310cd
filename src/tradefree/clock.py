"""Time is injected: nothing in the domain reads a clock by itself."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what people read, monotonic time for leases and time-outs."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


async def wait_at_most(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so many seconds at most; True if it came.

    Not ``asyncio.wait_for``: until Python 3.12 that loses a cancellation which arrives together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
