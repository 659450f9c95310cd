"""The clocks: this machine's and the database's, by which leases are measured."""

from __future__ import annotations

from tradefree.cli.checks.check import Caution, Fault
from tradefree.cli.words import span
from tradefree.clock import Clock
from tradefree.database.engine import Database

NOTICEABLE = 1.0
"""Seconds from which on delays and log lines of this machine are visibly off."""
WRONG = 10.0
"""Seconds that one step of priority is worth: from there on, tasks submitted here run in another order than they
should. Leases do not depend on it: they are measured by the database's clock alone."""
TRIES = 3
ADVICE = "Let both machines keep time by NTP (systemd-timesyncd, chrony)."


async def skew(database: Database, clock: Clock) -> str:
    """How far this machine is ahead of the database (negative: behind), in seconds."""
    best, ahead = float("inf"), 0.0
    for _ in range(TRIES):  # the quickest answer is the most exact one
        before = clock.now()
        theirs = await database.read(database.now)
        took = (clock.now() - before).total_seconds()
        if took < best:
            best, ahead = took, (before - theirs).total_seconds() + took / 2
    return judge(ahead, best / 2)


def judge(ahead: float, give_or_take: float) -> str:
    """``give_or_take``: seconds by which the measurement may be off."""
    sure = abs(ahead) - give_or_take
    way = "ahead of" if ahead > 0 else "behind"
    if sure > WRONG:
        raise Fault(f"this machine is {span(abs(ahead))} {way} the database", ADVICE)
    if sure > NOTICEABLE:
        raise Caution(f"this machine is {span(abs(ahead))} {way} the database", ADVICE)
    return f"this machine and the database agree within {span(max(abs(ahead), give_or_take, 0.001))}"
