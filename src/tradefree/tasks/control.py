"""Control: what people and programs ask of tasks that exist: cancel, retry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tradefree.clock import Clock
from tradefree.errors import Conflict, NotFound
from tradefree.tasks.announce import announce
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import WORKERS, BrowseStore, DecideStore, Signals, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import Json, Task
from tradefree.tasks.transitions import Change, cancel, revive

PAGE = 500
"""Tasks acted on in one transaction when an action is for all that match."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action on many tasks did."""

    matched: int
    changed: int


class Control:
    """Cancel and retry, one by one or for everything that matches."""

    def __init__(
        self, store: DecideStore, browse: BrowseStore, catalog: Catalog, signals: Signals, clock: Clock
    ) -> None:
        self._store = store
        self._browse = browse
        self._catalog = catalog
        self._signals = signals
        self._clock = clock

    async def cancel(self, task_id: str, by: str | None = None) -> Task:
        """Cancel, or ask the worker to; asking twice is the same as once. Conflict if the task has ended."""
        now = self._clock.now()
        await self._decide([task_id], lambda task: cancel(task, now, by))
        task = await self._found(task_id)
        if task.status in (Status.COMPLETED, Status.FAILED):
            raise Conflict(f"the task has already {task.status}; there is nothing to cancel")
        return task

    async def retry(self, task_id: str, by: str | None = None, input_data: Json = None) -> Task:
        """Another go for a task that has ended, with other input if given. Conflict while it is live."""
        before = await self._found(task_id)
        task_type = (await self._catalog.types()).get(before.type)
        if task_type is None:
            raise Conflict(f"task type {before.type!r} is not defined any more; define it before the retry")
        values = {}
        if input_data is not None:
            task_type.check_input(input_data)
            values["input_data"] = input_data
        now = self._clock.now()
        changes = await self._decide([task_id], lambda task: revive(task, now, by, values))
        if not changes:
            raise Conflict(f"the task is {before.status}; only a task that has ended can be retried")
        return await self._found(task_id)

    async def act(self, action: str, wanted: TaskFilter, by: str | None = None) -> ActionResult:
        """``cancel`` or ``retry`` everything that matches now, in small transactions."""
        now = self._clock.now()
        types = await self._catalog.types()
        moves: dict[str, Callable[[Task], Change | None]] = {
            "cancel": lambda task: cancel(task, now, by),
            "retry": lambda task: revive(task, now, by) if task.type in types else None,
        }
        matched = changed = 0
        before_id: str | None = None
        while page := await self._browse.find(wanted, limit=PAGE, before_id=before_id):
            changed += len(await self._decide([task.id for task in page], moves[action]))
            matched += len(page)
            before_id = page[-1].id
        return ActionResult(matched, changed)

    async def _decide(self, ids: Sequence[str], move: Callable[[Task], Change | None]) -> list[Change]:
        changes = await self._store.decide(ids, move)
        announce(self._signals, changes)
        if asked := {change.before.worker_id for change in changes if change.status is Status.PROCESSING}:
            self._signals.publish(WORKERS, {"ids": list(asked)})
        return changes

    async def _found(self, task_id: str) -> Task:
        task = await self._browse.task(task_id)
        if task is None:
            raise NotFound(f"no task {task_id}")
        return task
