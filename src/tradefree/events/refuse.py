"""What a full backlog does to decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tradefree.errors import BacklogFull
from tradefree.events.decide import MAX_REASON, Decision, Outcome
from tradefree.tasks.ports import Backlog


def refused(decisions: Sequence[Decision], full: Mapping[str, Backlog]) -> tuple[Decision, ...]:
    """The decisions, with those of these triggers refused because so many tasks wait in a scope."""
    return tuple(_refused(d, full[d.trigger]) if d.trigger in full else d for d in decisions)


def _refused(decision: Decision, backlog: Backlog) -> Decision:
    reason = str(BacklogFull(str(backlog.scope), backlog.most))[:MAX_REASON]
    return replace(decision, outcome=Outcome.REFUSED, part="", reason=reason, task_id=None)
