"""How much an upstream takes, learnt from what it says: a ceiling that follows it up and down, and is zero while it is
down (so that the circuit breaker is the same number).

Up: by doubling at first ("slow start"), later by one place, which doubles as long as it goes well; the places of such a
probe are given one after the other, so that the first refusal ends it. Down: at once, when calls are refused or stay
unanswered, but once per feedback period: what was started under the old ceiling says nothing of the new one. A probe
that was refused costs what it added, and the next one waits. A ceiling that was good comes down by little at first and
is halved when that was not enough.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

INITIAL = 10
"""Places of an upstream that nothing is known of."""
RAMP = 1.0
"""Seconds over which the places of a probe are given, so that few calls are refused before one is heard of."""
STEADY = 0.05
"""Seconds between looks while places are added."""
SETTLE = 1.0
"""Seconds after which new refusals count again, should the old calls still be running."""
PROVEN = 1.0
"""Seconds for which a higher ceiling must have been full, unrefused, before it is believed."""
HOLD = 5.0
"""Seconds between a probe that was refused and the next at the least."""
HOLD_STARTS = 50
"""Calls between a probe that was refused and the next at the least: some two per cent of calls are refused then."""
FIRST_CUT = 0.95
"""What is left of the calls it took when one is refused: it may have been one too many."""
CUT = 0.5
"""What is left if one is refused again before the lower ceiling is proven: much less must have been right."""
LAST_WAIT = 60.0
"""Seconds between probes of an upstream that stays down."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What was seen of an upstream since the last look."""

    in_flight: int = 0
    """Calls that hold places now, those that were refused just now perhaps among them."""
    full: bool = False
    """True if after the last look all places were taken."""
    started: int = 0
    """Tasks that were admitted."""
    heard: int = 0
    """Calls that the upstream began to work at."""
    refused: int = 0
    """Calls for which it had no room."""
    down: int = 0
    """Calls that did not reach it."""
    silent: int = 0
    """Calls that it has accepted and left without a word for long; now, not since the last look."""
    working: int = 0
    """Calls that it works at; now, as far as is known."""


@dataclass(slots=True)
class Ceiling:
    """The places at one upstream. ``look`` moves it; times are seconds of one clock."""

    level: int = INITIAL
    good: int = 0
    """The highest level that is proven."""
    step: int = INITIAL
    """Places that the probe under way adds to it, or the next one."""
    probe_since: float | None = None
    slow_start: bool = True
    cut: bool = False
    """True if the level was cut and is not yet proven."""
    reason: str = "nothing is known of it yet"
    cause: str = "unknown"
    """Names the reason for programs."""
    calls: int = 0
    """How many calls the reason speaks of."""
    since: float = 0.0
    hold_until: float = 0.0
    hold_starts: int = 0
    settled_at: float = 0.0
    full_since: float | None = None
    heard_since_full: int = 0
    downs: int = 0
    """Calls that did not reach it since it was last heard of."""
    wait: float = 1.0
    probe_at: float = 0.0

    @property
    def down(self) -> bool:
        """True while nothing, or no more than a probe, is let through."""
        return self.downs > 0 and self.level <= 1

    @property
    def rising(self) -> bool:
        """True while the places of a probe are given, one after the other: look again after ``STEADY``."""
        return self.probe_since is not None and self.level < self.good + self.step

    def look(self, signs: Signs, now: float) -> bool:
        """Learn from what was seen; True if the level moved."""
        before = self.level
        self.hold_starts -= signs.started
        if signs.heard:
            self._heard(signs, now)
        if signs.down:
            self._unreachable(signs, now)
        elif self.down:
            self._probe(now)
        elif signs.refused:
            words = f"it refused {_calls(signs.refused)}"
            self._refused(signs.refused, words, "refused", signs, now)
        elif signs.silent:
            words = f"it left {_calls(signs.silent)} waiting without a word"
            self._refused(signs.silent, words, "silent", signs, now)
        else:
            self._grow(signs, now)
        return self.level != before

    # ── down ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, signs: Signs, now: float) -> None:
        self.heard_since_full += signs.heard
        if self.down:
            self.good = max(1, self.good // 2)
            self.step, self.slow_start, self.probe_since = 1, True, None
            self._move(1, "it answers again", "answers", now)
        self.downs, self.wait = 0, 1.0

    def _unreachable(self, signs: Signs, now: float) -> None:
        self.downs += signs.down
        if self.down or self.downs >= 3 or not self.good:
            if self.level or now >= self.probe_at:
                self.probe_at = now + self.wait
                self.wait = min(self.wait * 2, LAST_WAIT)
            self._move(0, "it cannot be reached", "unreachable", now)

    def _probe(self, now: float) -> None:
        if self.level == 0 and now >= self.probe_at:
            self._move(1, "it could not be reached; one task is let through to see", "probed", now)

    # ── too much ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refused(self, refused: int, words: str, cause: str, signs: Signs, now: float) -> None:
        settling = now < self.settled_at and signs.in_flight > self.level
        if settling:
            return
        accepted = min(signs.in_flight - refused, signs.working or signs.in_flight)
        again, probing = self.cut, self.level > self.good
        if probing:  # what was good is good still
            level = max(accepted, self.good)
            self.hold_until, self.hold_starts = now + HOLD, HOLD_STARTS
        else:
            level = int(accepted * CUT) if again else math.ceil(accepted * FIRST_CUT)
            self.hold_until, self.hold_starts = now + SETTLE, 0
            self.cut = True
        self.good = max(1, min(level, self.level - 1))
        self.slow_start = again
        self.step = self.good if again else 1
        self.settled_at, self.probe_since = now + SETTLE, None
        self._move(self.good, words, cause, now, refused)

    # ── more ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _grow(self, signs: Signs, now: float) -> None:
        if not signs.full:
            self.full_since = None
            return
        if self.full_since is None:
            self.full_since, self.heard_since_full = now, 0
        if self.rising:
            self._ramp(now)
        elif now - self.full_since >= PROVEN and self.heard_since_full:
            self._proven(now)

    def _ramp(self, now: float) -> None:
        assert self.probe_since is not None
        part = min(1.0, (now - self.probe_since) / RAMP)
        level = self.good + math.ceil(self.step * part)
        self._move(level, "all places were taken and it took all calls", "full", now)

    def _proven(self, now: float) -> None:
        """The level was full for long enough: it is good, and more may be tried."""
        self.cut = False
        if self.level > self.good:
            self.good = self.level
            self.step = max(1, self.good if self.slow_start else min(self.step * 2, self.good // 2))
        elif now < self.hold_until or (self.hold_starts > 0 and now < self.hold_until + 6 * HOLD):
            return
        self.probe_since = now
        self._ramp(now + STEADY)

    def _move(self, level: int, reason: str, cause: str, now: float, calls: int = 0) -> None:
        self.full_since = None
        if level != self.level:
            self.level, self.since = level, now
            self.reason, self.cause, self.calls = reason, cause, calls

    # ── kept ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def document(self) -> dict[str, Any]:
        """All of it, for the next leader and for whoever wants to see it."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """What another leader kept; what it knows and we do not is left out."""
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in document.items() if name in known})


def _calls(number: int) -> str:
    return "a call" if number == 1 else f"{number} calls"
