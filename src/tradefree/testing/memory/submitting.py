"""Submit, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tradefree.errors import BacklogFull, IdempotencyMismatch
from tradefree.tasks.ports import Accepted, Backlog, Submission
from tradefree.tasks.states import Status
from tradefree.tasks.submit import accepted_line
from tradefree.tasks.task import Task
from tradefree.testing.memory.tables import Tables, check, clone, in_utc


class Submitting:
    """Implements ``ports.SubmitStore``."""

    _tables: Tables

    async def submit(self, submissions: Sequence[Submission]) -> list[Accepted | Exception]:
        async with self._tables.write():
            fresh: dict[str, Task] = {}
            keys: dict[tuple[str, str], tuple[str, str]] = {}
            outcomes = [self._take(submission, fresh, keys) for submission in submissions]
            self._tables.tasks.update(fresh)
            self._tables.keys.update(keys)
            self._tables.append(accepted_line(task) for task in fresh.values())
            return outcomes

    def _take(
        self, submission: Submission, fresh: dict[str, Task], keys: dict[tuple[str, str], tuple[str, str]]
    ) -> Accepted | Exception:
        task = submission.task
        key = None if submission.key is None else (task.submitted_by or "", submission.key)
        known = None if key is None else keys.get(key) or self._tables.keys.get(key)
        if known is not None and known[0] != submission.request_hash:
            return IdempotencyMismatch("was used before with another request", field="Idempotency-Key")
        task_id = known[1] if known is not None else task.id
        stored = fresh.get(task_id) or self._tables.tasks.get(task_id)
        if stored is not None:
            return Accepted(clone(stored, payloads=("input_data",)), replayed=True)
        if (full := full_backlog(submission, (*self._tables.tasks.values(), *fresh.values()))) is not None:
            return BacklogFull(str(full.scope), full.most)
        fresh[task.id] = check(in_utc(clone(task)))
        if key is not None:
            keys[key] = (submission.request_hash, task.id)
        return Accepted(clone(task))


def full_backlog(submission: Submission, tasks: Iterable[Task]) -> Backlog | None:
    """The first of its scopes in which as many of these tasks wait as may."""
    waiting = list(tasks)
    return next((b for b in submission.backlogs if sum(_waits_in(t, b) for t in waiting) >= b.most), None)


def _waits_in(task: Task, backlog: Backlog) -> bool:
    if task.status not in (Status.PENDING, Status.SCHEDULED):
        return False
    if backlog.lane is not None:
        return task.lane == backlog.lane
    return backlog.types is None or task.type in backlog.types
