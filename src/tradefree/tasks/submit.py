"""Submit: check, give it an id, store it, then wake the dispatcher. What was answered 202 is in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import orjson

from tradefree.batching import Coalescer
from tradefree.clock import Clock
from tradefree.errors import InvalidInput
from tradefree.ids import digest, new_id_at
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import DISPATCH, Accepted, Signals, Submission, SubmitStore, UrlGuard
from tradefree.tasks.states import Status
from tradefree.tasks.task import Json, LogLine, Task, lane_of, sort_at
from tradefree.tasks.types import TaskType

MAX_BATCH = 1000
"""Tasks in one batch."""
BREATH = 50
"""Tasks of a batch that are looked at before others have their turn."""
PAUSE = 0.01
"""Seconds between transactions of single submits at the least: those that come closer share one."""
HORIZON = timedelta(days=366)
"""How far ahead a task may be scheduled."""
MAX_LABELS = 20
LABEL_KEY = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$"

_APART = ("traceparent", "event_id")
"""Not of the request itself: a repeat may come in another trace."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a submitter says. Times in seconds; ``delay`` and ``run_at`` exclude each other."""

    type: str
    input_data: Json = field(default_factory=dict)
    concurrency_key: str | None = None
    priority: int = 0
    delay: float | None = None
    run_at: datetime | None = None
    expires_in: float | None = None
    timeout: float | None = None
    max_attempts: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    callback_url: str | None = None
    traceparent: str | None = None
    """W3C trace context that it was submitted in."""
    event_id: str | None = None
    """The event that made it."""


def request_hash(new: NewTask) -> str:
    """Digest of everything the submitter said: the same request gives the same digest, whatever its key order."""
    said = {name: value for name, value in asdict(new).items() if name not in _APART}
    return digest(orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode())


def prepare(new: NewTask, task_type: TaskType, now: datetime, submitted_by: str | None) -> Task:
    """The task to store. Raises InvalidInput, naming the field."""
    task_type.check_input(new.input_data)
    key = new.concurrency_key if new.concurrency_key is not None else task_type.concurrency.key_of(new.input_data)
    if new.delay is not None and new.run_at is not None:
        raise InvalidInput("give either delay or run_at, not both", field="run_at", code="delay_and_run_at")
    due = new.run_at or now + timedelta(seconds=new.delay or 0)
    if due > now + HORIZON:
        raise InvalidInput("more than 366 days ahead", field="run_at" if new.run_at else "delay", code="too_far")
    due = max(due, now)
    expires_at = now + timedelta(seconds=new.expires_in) if new.expires_in is not None else None
    if expires_at is not None and expires_at <= due:
        raise InvalidInput("the task would expire before it may start", field="expires_in", code="expires_early")
    return Task(
        id=new_id_at(now),
        type=new.type,
        status=Status.SCHEDULED if due > now else Status.PENDING,
        created_at=now,
        updated_at=now,
        run_at=due,
        sort_at=sort_at(due, new.priority),
        lane=lane_of(new.type, key),
        concurrency_key=key,
        priority=new.priority,
        labels=dict(new.labels),
        input_data=new.input_data,
        expires_at=expires_at,
        timeout=new.timeout,
        max_attempts=new.max_attempts,
        callback_url=new.callback_url,
        submitted_by=submitted_by,
        traceparent=new.traceparent,
        event_id=new.event_id,
    )


def accepted_line(task: Task) -> LogLine:
    """The first line of a task's log."""
    if task.status is not Status.SCHEDULED:
        return LogLine(task.id, task.created_at, "info", "Accepted.", "task.accepted")
    due = f"{task.run_at:%Y-%m-%d %H:%M:%S} UTC"
    words = f"Accepted, not before {due}."
    return LogLine(task.id, task.created_at, "info", words, "task.accepted", data={"due": due})


class Submitter:
    """Takes submissions; those that arrive while a transaction is under way share the next one."""

    def __init__(
        self,
        store: SubmitStore,
        catalog: Catalog,
        signals: Signals,
        clock: Clock,
        *,
        guard: UrlGuard | None = None,
    ) -> None:
        self._guard = guard
        self._catalog = catalog
        self._signals = signals
        self._clock = clock
        self._store = store
        self._batch_turn = asyncio.Lock()
        """One batch after another: side by side all of them, and whoever shares the loop, would wait for the last."""
        self._coalescer = Coalescer[Submission, Accepted](self._write, max_items=MAX_BATCH, pause=PAUSE)

    async def submit(self, new: NewTask, *, key: str | None = None, submitted_by: str | None = None) -> Accepted:
        """Store one task. ``key`` is the idempotency key; raises InvalidInput, IdempotencyMismatch, or
        BacklogFull where as many tasks wait as may."""
        return await self._coalescer.put(await self._submission(new, key, submitted_by))

    async def submit_many(
        self, news: Sequence[tuple[NewTask, str | None]], *, submitted_by: str | None = None
    ) -> list[Accepted | Exception]:
        """Store many (task, idempotency key) pairs in one transaction: an outcome for each, in order."""
        if len(news) > MAX_BATCH:
            raise InvalidInput(f"at most {MAX_BATCH} tasks in one batch, this one has {len(news)}", field="")
        async with self._batch_turn:
            made = [await self._made(index, *pair, submitted_by) for index, pair in enumerate(news)]
        good = [submission for submission in made if isinstance(submission, Submission)]
        written = iter(await self._write(good) if good else ())
        return [next(written) if isinstance(submission, Submission) else submission for submission in made]

    async def _made(
        self, index: int, new: NewTask, key: str | None, submitted_by: str | None
    ) -> Submission | InvalidInput:
        if index % BREATH == 0:
            await asyncio.sleep(0)
        try:
            return await self._submission(new, key, submitted_by)
        except InvalidInput as error:
            return error

    async def _submission(self, new: NewTask, key: str | None, submitted_by: str | None) -> Submission:
        task_type = await self._catalog.task_type(new.type)
        if new.callback_url is not None and self._guard is not None:
            self._guard.check(new.callback_url, field="callback_url")
        task = prepare(new, task_type, self._clock.now(), submitted_by)
        backlogs = (await self._catalog.book()).backlogs(task.lane)
        return Submission(task, key, request_hash(new) if key is not None else "", backlogs)

    async def _write(self, submissions: list[Submission]) -> list[Accepted | Exception]:
        outcomes = await self._store.submit(submissions)
        lanes = {o.task.lane for o in outcomes if isinstance(o, Accepted) and not o.replayed}
        if lanes:
            self._signals.publish(DISPATCH, {"lanes": sorted(lanes)})
        return outcomes
