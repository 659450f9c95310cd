"""Tell the rest of the system that tasks moved: wake-ups for the dispatcher, live updates for whoever watches."""

from __future__ import annotations

from collections.abc import Sequence

from tradefree.tasks.ports import DISPATCH, Signals, task_topic
from tradefree.tasks.states import ON_WORKER, Status
from tradefree.tasks.transitions import Change


def announce(signals: Signals, changes: Sequence[Change]) -> None:
    """Publish each task's new status and, once for all, the lanes with new work or freed places."""
    for change in changes:
        signals.publish(task_topic(change.before.id), {"kind": "status", "status": change.status})
    lanes = {change.before.lane for change in changes if change.status is Status.PENDING}
    lanes |= {delivery.lane for change in changes for delivery in change.deliveries}
    timed = any(change.status is Status.SCHEDULED for change in changes)
    freed = any(change.before.status in ON_WORKER for change in changes)
    if lanes or timed or freed:
        signals.publish(DISPATCH, {"lanes": sorted(lanes)})
