"""Control: what people and programs ask of tasks that exist: cancel, retry, an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradefree.clock import Clock
from tradefree.errors import Conflict, InvalidInput, NotFound
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.mover import Mover
from tradefree.tasks.ports import WORKERS, BrowseStore, DecideStore, Place, Signals, TaskFilter
from tradefree.tasks.questions import Question, answer_of
from tradefree.tasks.states import Status
from tradefree.tasks.task import Json, Task
from tradefree.tasks.transitions import Change, answer, cancel, revive
from tradefree.tasks.types import OURS

PAGE = 500
"""Tasks acted on in one transaction when an action is for all that match."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action on many tasks did."""

    matched: int
    changed: int
    last: Place | None = None
    """Where to go on: there may be more below it."""


class Control:
    """Cancel and retry, one by one or for everything that matches."""

    def __init__(
        self, store: DecideStore, browse: BrowseStore, catalog: Catalog, signals: Signals, clock: Clock
    ) -> None:
        self._browse = browse
        self._catalog = catalog
        self._signals = signals
        self._mover = Mover(store, catalog, signals)
        self._clock = clock

    async def cancel(self, task_id: str, by: str | None = None) -> Task:
        """Cancel, or ask the worker to; asking twice is the same as once. Conflict if the task has ended."""
        now = self._clock.now()
        await self._decide([task_id], lambda task: cancel(task, now, by))
        task = await self._found(task_id)
        if task.status in (Status.COMPLETED, Status.FAILED):
            raise Conflict(f"the task has already {task.status}; there is nothing to cancel", code="ended_already")
        return task

    async def retry(self, task_id: str, by: str | None = None, input_data: Json = None) -> Task:
        """Another go for a task that has ended, with other input if given. Conflict while it is live."""
        before = await self._found(task_id)
        task_type = (await self._catalog.types()).get(before.type)
        if task_type is None:
            raise Conflict(
                f"task type {before.type!r} is not defined any more; define it before the retry", code="type_gone"
            )
        values = {}
        if input_data is not None:
            if before.type.startswith(OURS):
                raise InvalidInput("belongs to the system; it is sent again as it is", field="input_data")
            task_type.check_input(input_data)
            values["input_data"] = input_data
        now = self._clock.now()
        changes = await self._decide([task_id], lambda task: revive(task, now, by, values))
        if not changes:
            raise Conflict(f"the task is {before.status}; only a task that has ended can be retried", code="not_ended")
        return await self._found(task_id)

    async def answer(
        self,
        task_id: str,
        action: str,
        inputs: Mapping[str, Any],
        *,
        by: str | None = None,
        question_id: int | None = None,
    ) -> Task:
        """Answer the question that the task waits with; ``question_id`` makes sure that it is still that one.

        Raises InvalidInput, naming the field, if the answer does not fit, and Conflict if it is not waited for.
        """
        asked = (before := await self._found(task_id)).question
        if before.status is not Status.AWAITING_INPUT or asked is None:
            raise Conflict(_not_waiting(before), code="not_asked")
        if question_id not in (None, asked["id"]):
            raise Conflict(
                f"the task asks something else by now (question {asked['id']}); look at it again",
                code="changed_meanwhile",
            )
        given = Question.of(asked).check(action, inputs)
        now = self._clock.now()
        if before.answer_by is not None and before.answer_by <= now:
            raise Conflict("the time for an answer is over", code="answer_overdue")
        same = asked["id"]
        changes = await self._decide(
            [task_id],
            lambda task: answer(task, action, given, now, by) if (task.question or {}).get("id") == same else None,
        )
        task = await self._found(task_id)
        if not changes:
            raise Conflict(_not_waiting(task), code="not_asked")
        return task

    async def act(
        self,
        action: str,
        wanted: TaskFilter,
        by: str | None = None,
        *,
        most: int | None = None,
        below: Place | None = None,
    ) -> ActionResult:
        """``cancel`` or ``retry`` everything that matches now, in small transactions; or ``most`` of it, the newest
        first, below a place."""
        now = self._clock.now()
        types = await self._catalog.types()
        moves: dict[str, Callable[[Task], Change | None]] = {
            "cancel": lambda task: cancel(task, now, by),
            "retry": lambda task: revive(task, now, by) if task.type in types else None,
        }
        matched = changed = 0
        while most is None or matched < most:
            limit = PAGE if most is None else min(PAGE, most - matched)
            page = await self._browse.find(wanted, limit=limit, below=below)
            changed += len(await self._decide([task.id for task in page], moves[action]))
            matched += len(page)
            if len(page) < limit:
                return ActionResult(matched, changed)
            below = wanted.place(page[-1])
        return ActionResult(matched, changed, below)

    async def _decide(self, ids: Sequence[str], move: Callable[[Task], Change | None]) -> list[Change]:
        changes = await self._mover.move(ids, move)
        if asked := {change.before.worker_id for change in changes if change.status is Status.PROCESSING}:
            self._signals.publish(WORKERS, {"ids": list(asked)})
        return changes

    async def _found(self, task_id: str) -> Task:
        task = await self._browse.task(task_id)
        if task is None:
            raise NotFound(f"no task {task_id}")
        return task


def _not_waiting(task: Task) -> str:
    if said := answer_of(task.question):
        return f"the question was answered already: {said.by or 'somebody'} chose {said.action!r}"
    return f"the task is {task.status} and asks nothing; only a task that is awaiting_input can be answered"
