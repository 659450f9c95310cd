"""``SyncClient``: the same client for programs that are not asynchronous. Its event loop runs in a thread of its own,
so it works in scripts, threads and notebooks alike. A test compares its methods with those of ``Client``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self, TypeVar, Unpack

from tradefree.client.client import LOCAL, Client
from tradefree.client.stream import Event, unnoticed
from tradefree.client.tasks import LogLine, NewTask, Options, Outcome, Task
from tradefree.client.transport import TRIES
from tradefree.errors import ServiceUnavailable

T = TypeVar("T")


class _Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tradefree-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result. If the caller is interrupted, so is the work."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[T]) -> Iterator[T]:
        """The items, each when it is asked for; the generator is closed when the caller is done with it."""
        try:
            while True:
                try:
                    item = self.run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(items.aclose())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(items: AsyncGenerator[T]) -> T:
    return await anext(items)


class SyncClient:
    """A task service at an address, spoken to with an API key. Use as a context manager. See ``Client``."""

    def __init__(self, url: str = LOCAL, api_key: str | None = None, *, tries: int = TRIES) -> None:
        self._client = Client(url, api_key, tries=tries)
        self._running: _Loop | None = None

    @classmethod
    def from_settings(cls, *, tries: int = TRIES) -> Self:
        """See ``Client.from_settings``."""
        made = cls(tries=tries)
        made._client = Client.from_settings(tries=tries)
        return made

    def __enter__(self) -> Self:
        self._running = _Loop()
        self._loop.run(self._client.__aenter__())
        return self

    def __exit__(self, *error: object) -> None:
        loop, self._running = self._loop, None
        loop.run(self._client.__aexit__(*error))
        loop.close()

    @property
    def _loop(self) -> _Loop:
        if self._running is None:
            raise AssertionError("the client is used outside its context")
        return self._running

    def submit(
        self,
        type: str,
        input_data: Any = None,
        *,
        wait: float | None = None,
        **options: Unpack[Options],
    ) -> Task:
        """See ``Client.submit``."""
        return self._loop.run(self._client.submit(type, input_data, wait=wait, **options))

    def submit_many(self, tasks: Iterable[NewTask], *, progress: bool = False) -> list[Outcome]:
        """See ``Client.submit_many``."""
        return self._loop.run(self._client.submit_many(tasks, progress=progress))

    def map(
        self,
        type: str,
        inputs: Iterable[Any],
        *,
        once: str | None = None,
        progress: bool = False,
        **options: Unpack[Options],
    ) -> list[Outcome]:
        """See ``Client.map``."""
        return self._loop.run(self._client.map(type, inputs, once=once, progress=progress, **options))

    def wait(self, task: Task | str, *, timeout: float | None = None) -> Task:
        """See ``Client.wait``."""
        return self._loop.run(self._client.wait(task, timeout=timeout))

    def stream(
        self, task: Task | str, *, on_lost: Callable[[ServiceUnavailable], object] = unnoticed
    ) -> Iterator[Event]:
        """See ``Client.stream``."""
        return self._loop.iterate(self._client.stream(task, on_lost=on_lost))

    def task(self, task: Task | str) -> Task:
        """See ``Client.task``."""
        return self._loop.run(self._client.task(task))

    def tasks(
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
    ) -> Iterator[Task]:
        """See ``Client.tasks``."""
        return self._loop.iterate(
            self._client.tasks(
                status=status,
                type=type,
                labels=labels,
                concurrency_key=concurrency_key,
                text=text,
                created_after=created_after,
                created_before=created_before,
                finished_after=finished_after,
                finished_before=finished_before,
                payloads=payloads,
            )
        )

    def logs(self, task: Task | str, *, level: str | None = None) -> Iterator[LogLine]:
        """See ``Client.logs``."""
        return self._loop.iterate(self._client.logs(task, level=level))

    def cancel(self, task: Task | str) -> Task:
        """See ``Client.cancel``."""
        return self._loop.run(self._client.cancel(task))

    def retry(self, task: Task | str, input_data: Any = None) -> Task:
        """See ``Client.retry``."""
        return self._loop.run(self._client.retry(task, input_data))

    def answer(
        self, task: Task | str, action: str, inputs: Mapping[str, Any] | None = None, *, question_id: int | None = None
    ) -> Task:
        """See ``Client.answer``."""
        return self._loop.run(self._client.answer(task, action, inputs, question_id=question_id))

    def send_event(
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
        """See ``Client.send_event``."""
        work = self._client.send_event(type, source, data, id=id, subject=subject, time=time, **attributes)
        return self._loop.run(work)

    def send_events(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See ``Client.send_events``."""
        return self._loop.run(self._client.send_events(events))
