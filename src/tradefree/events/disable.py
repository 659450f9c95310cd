"""A trigger that fails again and again is disabled, with a notice, instead of failing for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tradefree.events.decide import DISABLE_AFTER, Decision, streak_after
from tradefree.events.trigger import Kept, Version
from tradefree.tasks.ports import Entry

SYSTEM = "system"
"""Who did it, where nobody did."""
DISABLED = "trigger.disable"


def counted(kept: Kept, decisions: Sequence[Decision], now: datetime) -> tuple[Kept, tuple[Version, Entry] | None]:
    """The trigger after some more decisions, with what is to be written down if that disables it.

    Decisions of other versions than the stored one count for nothing: they say nothing about it. What the last failure
    said is left out: it may show values of an event, and more people see why a trigger is disabled."""
    own = [decision for decision in decisions if decision.version == kept.version]
    streak = streak_after(kept.streak, own)
    if streak.number < DISABLE_AFTER or not kept.trigger.enabled:
        return replace(kept, streak=streak), None
    reason = f"failed {streak.number} times in a row, the last time in {streak.part}; its decisions say how"
    trigger = kept.trigger.model_copy(update={"enabled": False})
    version = Version(trigger.name, kept.version + 1, trigger, now, SYSTEM, reason)
    detail = {"reason": reason, "version": version.version}
    entry = Entry.new(now, SYSTEM, DISABLED, f"trigger:{trigger.name}", detail)
    return Kept(trigger, version.version, now, SYSTEM, streak, reason), (version, entry)
