"""Decide, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tradefree.tasks.ports import Decide
from tradefree.tasks.states import TERMINAL
from tradefree.tasks.submit import accepted_line
from tradefree.tasks.task import Attempt, Task
from tradefree.tasks.transitions import Change
from tradefree.testing.memory.tables import JSON_COLUMNS, Tables, check, clone, in_utc, through_json


class Deciding:
    """Implements ``ports.DecideStore``."""

    _tables: Tables

    async def decide(self, ids: Sequence[str], decide: Decide, *, believed: Sequence[Task] = ()) -> list[Change]:  # noqa: ARG002
        """See ``ports.DecideStore``. Reading costs nothing here, so nothing is believed."""
        async with self._tables.write():
            known = [task for id_ in sorted(set(ids)) if (task := self._tables.tasks.get(id_)) is not None]
            changes = [change for task in known if (change := decide(clone(task, payloads=()))) is not None]
            moved = [self._moved(change) for change in changes]
            ended = [self._ended(change.attempt) for change in changes if change.attempt is not None]
            made = {task.id: check(in_utc(clone(task))) for change in changes for task in change.deliveries}
            self._tables.append(line for change in changes for line in (*change.lines, change.line))
            self._tables.append(accepted_line(task) for task in made.values())
            self._tables.tasks.update(made)
            self._tables.tasks.update({task.id: task for task in moved})
            self._tables.attempts.update({(attempt.task_id, attempt.number): attempt for attempt in ended})
            for change in changes:
                self._count(change)
                self._tables.refunds[change.before.lane] += change.never_began
            return changes

    def _moved(self, change: Change) -> Task:
        values = {name: through_json(value) if name in JSON_COLUMNS else value for name, value in change.values.items()}
        return check(replace(self._tables.tasks[change.before.id], **values))

    def _ended(self, attempt: Attempt) -> Attempt:
        assert (attempt.task_id, attempt.number) not in self._tables.attempts, "the attempt has already ended"
        return replace(attempt, runner_state=through_json(attempt.runner_state))

    def _count(self, change: Change) -> None:
        """Keep the running totals; a retry takes its task out again."""
        if change.before.terminal:
            self._tables.totals[change.before.type, change.before.status] -= 1
        if change.status in TERMINAL:
            self._tables.totals[change.before.type, change.status] += 1
