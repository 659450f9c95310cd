"""Judge: what a rule makes of an event, down to the task that would be accepted. Stores nothing."""

from __future__ import annotations

from dataclasses import replace

from tradefree.errors import InvalidInput
from tradefree.events.decide import Decision, decide, failed
from tradefree.events.event import Event
from tradefree.events.rulebook import Rule
from tradefree.expressions import Values
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import Submission
from tradefree.tasks.submit import prepare


class Judge:
    """Decides as the rule says and as the task type allows."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def judge(
        self, rule: Rule, event: Event, values: Values, submitted_by: str | None = None
    ) -> tuple[Decision, Submission | None]:
        """The decision with the task it makes, or failed if that task would not be accepted."""
        verdict = decide(rule, event, values)
        if verdict.new is None:
            return verdict.decision, None
        try:
            task_type = await self._catalog.task_type(verdict.new.type)
            task = prepare(verdict.new, task_type, event.received_at, submitted_by)
        except InvalidInput as error:
            return failed(verdict.decision, _part(error.field), error.reason), None
        backlogs = (await self._catalog.book()).backlogs(task.lane)
        return replace(verdict.decision, task_id=task.id), Submission(task, None, "", backlogs)


def _part(field: str) -> str:
    """The part of a trigger that makes a field of a task."""
    name, slash, rest = field.partition("/")
    parts = {"type": "task_type", "input_data": "input", "concurrency_key": "key", "run_at": "delay"}
    return parts.get(name, name) + slash + rest
