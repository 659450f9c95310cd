"""The demo's time, counted from the first submit, and what happened when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime


def mmss(seconds: float) -> str:
    """``01:07``."""
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


@dataclass
class Strike:
    """One kill."""

    victim: str
    """Name of the process."""
    kind: str
    """``leader``, ``worker`` or ``redis``."""
    at: datetime
    about: str
    """Why it was chosen, or what it loses: a few words."""
    incarnation: str | None = None
    """Of a worker."""
    back_after: float | None = None
    """Seconds from the kill until it answered again."""


@dataclass
class Timeline:
    """Strikes and notes, in order."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    strikes: list[Strike] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    """Seconds, and a line of text with Rich's markup."""

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.seconds(datetime.now(UTC))

    def seconds(self, moment: datetime) -> float:
        """Seconds from the beginning until then."""
        return (moment - self.began).total_seconds()

    def note(self, text: str) -> None:
        """Something happened now."""
        self.notes.append((self.now, text))

    def last_strike(self, victim: str) -> Strike | None:
        """The latest kill of this process."""
        return next((strike for strike in reversed(self.strikes) if strike.victim == victim), None)
