"""``Client``: a task service, for asynchronous programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self, Unpack

from tradefree.client.answers import refusal
from tradefree.client.batches import ContentKeys, batches, send
from tradefree.client.progress import Advance, bar
from tradefree.client.stream import Event, final_status, follow, unnoticed
from tradefree.client.tasks import LogLine, NewTask, Options, Outcome, Task
from tradefree.client.transport import TRIES, Transport
from tradefree.errors import InvalidInput, NotEnded, Refused, ServiceUnavailable, SettingsError

LOG_PAGE = 1000
PAGE = 200
WATCHED = 16
"""Tasks that are waited for at once; each has a stream of its own."""
LONGEST_HELD = 60
"""Seconds for which a service holds an answer back (``Prefer: wait``)."""
LOCAL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class _Line:
    """One of many tasks, as it is sent."""

    index: int
    text: bytes


class Client:
    """A task service at an address, spoken to with an API key. Use as an async context manager.

    A call that may be repeated is repeated (``tries`` in all) when the service is away or asks to wait; submits may,
    because each has an idempotency key. Raises ServiceUnavailable, Refused and NotFound.
    """

    def __init__(self, url: str = LOCAL, api_key: str | None = None, *, tries: int = TRIES) -> None:
        if tries < 1:
            raise InvalidInput("should be 1 or more", field="tries")
        hint = "give api_key, or set TRADEFREE_API_KEY and use from_settings()"
        self._service = Transport(url, api_key, tries=tries, key_hint=hint)

    @classmethod
    def from_settings(cls, *, tries: int = TRIES) -> Self:
        """With ``TRADEFREE_API_URL`` and ``TRADEFREE_API_KEY`` from the environment or ``.env``."""
        from tradefree.settings import load_settings

        settings = load_settings()
        if settings.api_key is None:
            raise SettingsError("TRADEFREE_API_KEY: is needed; `tradefree keys create` makes one")
        return cls(settings.api_url, settings.api_key.get_secret_value(), tries=tries)

    async def __aenter__(self) -> Self:
        await self._service.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._service.__aexit__(*error)

    # ── submit ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def submit(
        self,
        type: str,
        input_data: Any = None,
        *,
        wait: float | None = None,
        **options: Unpack[Options],
    ) -> Task:
        """Submit a task. With ``wait`` it comes back once it has ended, or as it is after so many seconds."""
        document = NewTask(type, input_data, options).document()
        key = document.pop("idempotency_key", None) or f"sdk-{uuid.uuid4()}"
        held = None if wait is None else max(0, min(LONGEST_HELD, int(wait)))
        began = asyncio.get_running_loop().time()
        task = Task.of(await self._service.submit(document, key, wait=held))
        left = 0.0 if wait is None else wait - (asyncio.get_running_loop().time() - began)
        if wait is None or task.ended or left <= 0:
            return task
        with contextlib.suppress(NotEnded):
            return await self.wait(task, timeout=left)
        return await self.task(task)

    async def submit_many(self, tasks: Iterable[NewTask], *, progress: bool = False) -> list[Outcome]:
        """Submit many tasks, in batches; what became of each, in their order. One that is refused spoils no other."""
        tasks = tasks if isinstance(tasks, Sequence) else list(tasks)
        with bar("submitted", len(tasks), wanted=progress) as advance:
            return await self._submit_all(tasks, f"sdk-{uuid.uuid4()}", advance)

    async def map(
        self,
        type: str,
        inputs: Iterable[Any],
        *,
        once: str | None = None,
        progress: bool = False,
        **options: Unpack[Options],
    ) -> list[Outcome]:
        """Run a task for each input and wait for all; what became of each, in the order of the inputs.

        ``once`` names the undertaking: under the same name the same inputs are not run again, but their tasks are
        found, so a program that was interrupted may be started anew.
        """
        if "idempotency_key" in options:
            raise InvalidInput("every task has its own here; say `once` instead", field="idempotency_key")
        tasks = [NewTask(type, value, options) for value in inputs]
        with bar("submitted", len(tasks), wanted=progress) as advance:
            outcomes = await self._submit_all(tasks, once or f"sdk-{uuid.uuid4()}", advance)
        with bar("ended", len(tasks), wanted=progress) as advance:
            return await self._wait_all(outcomes, advance)

    async def _submit_all(self, tasks: Sequence[NewTask], salt: str, advance: Advance) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        keys = ContentKeys(salt)

        def lines() -> Iterable[_Line]:
            for index, task in enumerate(tasks):
                try:
                    document = task.document()
                    if "idempotency_key" not in document:
                        document["idempotency_key"] = keys.key(task.type, task.input_data)
                    yield _Line(index, json.dumps(document, allow_nan=False).encode())
                except (TypeError, ValueError, RecursionError) as error:
                    outcomes[index] = Outcome(index, error=InvalidInput(f"cannot be sent as JSON: {error}"))
                except InvalidInput as error:
                    outcomes[index] = Outcome(index, error=error)

        for batch in batches(lines()):
            for line, answer in await send(self._service, batch):
                outcomes[line.index] = _outcome(line.index, answer)
            advance(len(batch))
        return [outcomes[index] for index in range(len(tasks))]

    # ── wait and watch ──────────────────────────────────────────────────────────────────────────────────────────────

    async def wait(self, task: Task | str, *, timeout: float | None = None) -> Task:
        """The task, once it has ended. Raises NotEnded after ``timeout`` seconds; the task goes on."""
        try:
            async with asyncio.timeout(timeout):
                return await self._ended(_id(task))
        except TimeoutError:
            raise NotEnded(f"task {_id(task)} has not ended within {timeout:g} s; it goes on") from None

    async def _ended(self, task_id: str) -> Task:
        task = await self.task(task_id)
        while not task.ended:
            await final_status(self._service, task_id)
            task = await self.task(task_id)
        return task

    async def _wait_all(self, outcomes: Sequence[Outcome], advance: Advance) -> list[Outcome]:
        ended = list(outcomes)
        left = iter(outcomes)

        async def watch() -> None:
            for outcome in left:
                if outcome.task is not None:
                    ended[outcome.index] = replace(outcome, task=await self._ended(outcome.task.id))
                advance(1)

        async with _first_error(asyncio.TaskGroup()) as group:
            for _ in range(min(WATCHED, len(outcomes))):
                group.create_task(watch())
        return ended

    async def stream(
        self, task: Task | str, *, on_lost: Callable[[ServiceUnavailable], object] = unnoticed
    ) -> AsyncGenerator[Event]:
        """What happens to a task, as it happens, to its end: ``status``, ``log``, ``partial``, ``end``.

        A lost connection is made again without leaving a log line out; ``on_lost`` hears of it.
        """
        async with contextlib.aclosing(follow(self._service, _id(task), on_lost=on_lost)) as events:
            async for event in events:
                yield event

    # ── look ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def task(self, task: Task | str) -> Task:
        """The task as it is now. Raises NotFound."""
        return Task.of(await self._service.get(f"/tasks/{_id(task)}"))

    async def tasks(
        self,
        *,
        status: Sequence[str] = (),
        type: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        concurrency_key: str | None = None,
        text: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        finished_after: datetime | None = None,
        finished_before: datetime | None = None,
        payloads: bool = False,
    ) -> AsyncGenerator[Task]:
        """The tasks that match everything given, newest first; the last to end first if it is about their ends."""
        params = [("status", each) for each in _words(status)] + [("type", each) for each in _words(type)]
        params += [("label", f"{name}:{value}") for name, value in (labels or {}).items()]
        moments = {
            "created_after": created_after,
            "created_before": created_before,
            "finished_after": finished_after,
            "finished_before": finished_before,
        }
        for name, moment in moments.items():
            params += [(name, _aware(moment, name).isoformat())] if moment is not None else []
        for name, value in (("concurrency_key", concurrency_key), ("q", text)):
            params += [(name, value)] if value is not None else []
        params += [("limit", str(PAGE)), ("payloads", str(payloads).lower())]
        cursor: list[tuple[str, str]] = []
        while True:
            page = await self._service.get("/tasks", [*params, *cursor])
            for document in page["items"]:
                yield Task.of(document)
            if page["next_cursor"] is None:
                return
            cursor = [("cursor", page["next_cursor"])]

    async def logs(self, task: Task | str, *, level: str | None = None) -> AsyncGenerator[LogLine]:
        """The lines of a task's log, in the order of their ids; ``level`` is the least severe one wanted."""
        after = 0
        while True:
            params = {"after": str(after), "limit": str(LOG_PAGE), **({"level": level} if level else {})}
            page = await self._service.get(f"/tasks/{_id(task)}/logs", params)
            for document in page["items"]:
                yield LogLine.of(document)
            if len(page["items"]) < LOG_PAGE:
                return
            after = page["next_after"]

    # ── act ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, task: Task | str) -> Task:
        """Cancel a task; twice is the same as once. One that runs is ``cancelled`` when its worker has let go."""
        return Task.of(await self._service.post(f"/tasks/{_id(task)}/cancellation", {}, again=True))

    async def retry(self, task: Task | str, input_data: Any = None) -> Task:
        """Run a task that has ended again, with other input if one is given."""
        body = {} if input_data is None else {"input_data": input_data}
        return Task.of(await self._service.post(f"/tasks/{_id(task)}/retries", body))

    async def answer(
        self, task: Task | str, action: str, inputs: Mapping[str, Any] | None = None, *, question_id: int | None = None
    ) -> Task:
        """Answer what a task asks a person. ``question_id``: refused if it asks something else by now."""
        body: dict[str, Any] = {"action": action, "inputs": dict(inputs or {})}
        if question_id is not None:
            body["question_id"] = question_id
        return Task.of(await self._service.post(f"/tasks/{_id(task)}/answers", body))

    async def send_event(
        self,
        type: str,
        source: str,
        data: Any = None,
        *,
        id: str | None = None,
        subject: str | None = None,
        time: datetime | None = None,
        **attributes: str,
    ) -> dict[str, Any]:
        """Raise an event (CloudEvents 1.0): what was stored, decided and made.

        The same ``source`` and ``id`` are one event, however often they come; give your own id where there is one.
        """
        event: dict[str, Any] = {"specversion": "1.0", "id": id or str(uuid.uuid4()), "type": type, "source": source}
        event |= {name: value for name, value in (("subject", subject), ("data", data)) if value is not None}
        event["time"] = (_aware(time, "time") if time is not None else datetime.now(UTC)).isoformat()
        answer: dict[str, Any] = await self._service.send_events(event | attributes)
        return answer

    async def send_events(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Raise up to 1,000 events, as CloudEvents in structured form; what became of each."""
        answer: dict[str, Any] = await self._service.send_events([dict(event) for event in events])
        return answer


def _id(task: Task | str) -> str:
    task_id = task.id if isinstance(task, Task) else task
    if not task_id or not all(part.isalnum() for part in task_id.split("-")) or not task_id.isascii():
        raise InvalidInput(f"{task_id[:80]!r} is no id of a task", field="task")
    return task_id


def _words(value: Sequence[str]) -> Sequence[str]:
    """A single word stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _aware(moment: datetime, field: str) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput("should have an offset, such as datetime.now(UTC)", field=field)
    return moment


def _outcome(index: int, answer: Mapping[str, Any] | Refused) -> Outcome:
    if isinstance(answer, Refused):
        return Outcome(index, error=answer)
    if answer["status"] == "rejected":
        problem = answer["error"] or {}
        return Outcome(index, error=refusal(int(problem.get("status", 422)), problem, "this address"))
    return Outcome(index, Task.of(answer["task"]), replayed=answer["status"] == "replayed")


@contextlib.asynccontextmanager
async def _first_error(group: asyncio.TaskGroup) -> AsyncGenerator[asyncio.TaskGroup]:
    """The group; what went wrong in it is raised as itself."""
    try:
        async with group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
