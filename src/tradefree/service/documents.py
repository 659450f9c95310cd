"""Tasks as documents: with the links that belong to them and the payloads that the caller may see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import orjson
from fastapi import Request

from tradefree.service.callers import Caller
from tradefree.service.context import system_of
from tradefree.service.models.callbacks import DeliveryDocument
from tradefree.service.models.events import MadeTask
from tradefree.service.models.limits import WaitingDocument
from tradefree.service.models.tasks import AttemptDocument, TaskDetail, TaskDocument, UsageDocument
from tradefree.service.tokens import StreamTokens
from tradefree.tasks.clipping import clipped
from tradefree.tasks.limiting import Waiting
from tradefree.tasks.questions import shown as public
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, Task

PREFIX = "/api/v1"
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")
_PAYLOADS = ("input_data", "output_data")
_HIDDEN = ("question", *_PAYLOADS)
_COPIED = [f.name for f in fields(Task) if f.name in TaskDocument.model_fields and f.name not in _HIDDEN]


class Documents:
    """Makes documents for one caller."""

    def __init__(self, request: Request, caller: Caller) -> None:
        system = system_of(request)
        self._base = f"{path_of(request, 'tasks')}/"
        self._tokens = StreamTokens(system.stream_secret)
        self._now = system.clock.now()
        self._payloads = caller.payloads

    def task(self, task: Task, *, payloads: bool = True) -> TaskDocument:
        """One task; ``payloads`` False leaves them out whatever the caller's rights."""
        return TaskDocument.model_validate(self.plain(task, payloads=payloads))

    def plain(self, task: Task, *, payloads: bool = True) -> dict[str, Any]:
        """The same as plain values, for ``dump``."""
        return self._values(task, shown=payloads and self._payloads)

    def detail(
        self, task: Task, attempts: Sequence[Attempt], waiting: Waiting | None = None, deliveries: Sequence[Task] = ()
    ) -> TaskDetail:
        """One task with its attempts, the one under way included, what it waits for, and who was told."""
        every = with_current(task, attempts)
        documents = [_attempt(attempt, shown=self._payloads) for attempt in every]
        values = {
            **self._values(task, shown=self._payloads),
            "attempts": documents,
            "waiting": WaitingDocument.of(waiting) if waiting is not None else None,
            "deliveries": [DeliveryDocument.of(delivery) for delivery in deliveries],
        }
        return TaskDetail.model_validate(values)

    def made(self, task: Task, attempts: Sequence[Attempt], deliveries: Sequence[Task]) -> MadeTask:
        """One task without its payloads, with its attempts and who was told."""
        every = with_current(task, attempts)
        documents = [_attempt(attempt, shown=self._payloads) for attempt in every]
        told = [DeliveryDocument.of(delivery) for delivery in deliveries]
        values = {**self._values(task, shown=False), "attempts": documents, "deliveries": told}
        return MadeTask.model_validate(values)

    def _values(self, task: Task, *, shown: bool) -> dict[str, Any]:
        values = {name: getattr(task, name) for name in _COPIED}
        values |= {name: getattr(task, name) if shown else None for name in _PAYLOADS}
        values["question"] = public(task.question) if shown else None
        what = clipped(task.output_data) if shown else None
        values["output_clipped"] = asdict(what) if what else None
        values["payloads_hidden"] = not shown
        url = self._base + task.id
        values["status_url"] = url
        values["logs_url"] = f"{url}/logs"
        token = self._tokens.issue(task.id, payloads=self._payloads, now=self._now)
        values["stream_url"] = f"{url}/stream?token={token}"
        values["cancel_url"] = f"{url}/cancellation"
        return values


def path_of(request: Request, name: str) -> str:
    """The address of a resource as the caller would write it."""
    return f"{_origin(request)}{PREFIX}/{name}"


def dump(document: Any) -> bytes:
    """Plain values as JSON, written as pydantic would write the model of them."""
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _origin(request: Request) -> str:
    """Scheme and host as the caller wrote them; nothing if the Host header is not a plain one."""
    host = request.headers.get("host", "")
    root = str(request.scope.get("root_path", "")).rstrip("/")
    return f"{request.url.scheme}://{host}{root}" if _HOST.fullmatch(host) else root


def with_current(task: Task, ended: Sequence[Attempt]) -> list[Attempt]:
    """All attempts: the one that a worker performs now has a row of its own only when it has ended."""
    if task.status is not Status.PROCESSING or any(attempt.number == task.attempt_count for attempt in ended):
        return list(ended)
    return [
        *ended,
        Attempt(task.id, task.attempt_count, task.worker_id, task.started_at, runner_state=task.runner_state),
    ]


def _attempt(attempt: Attempt, *, shown: bool) -> AttemptDocument:
    usage = asdict(attempt.usage)
    usage["price"] = None if attempt.usage.price is None else format(attempt.usage.price, "f")
    return AttemptDocument(
        number=attempt.number,
        worker_id=attempt.worker_id,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        outcome=attempt.outcome,
        error_code=attempt.error_code,
        error_message=attempt.error_message,
        usage=UsageDocument.model_validate(usage),
        runner_state=attempt.runner_state if shown else None,
        upstream=_upstream(attempt.runner_state or {}),
    )


def _upstream(state: dict[str, Any]) -> dict[str, Any] | None:
    told = state.get("upstream")
    return told if isinstance(told, dict) else None
