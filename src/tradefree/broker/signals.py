"""Signals inside one process: from any thread, to any event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from threading import Lock
from typing import Any

BACKLOG = 1000
"""Messages kept for a listener that is slow; the oldest are dropped. Listeners read the truth from the database."""


class _Listener:
    """One subscription, bound to the loop it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue(BACKLOG)

    def tell(self, message: dict[str, Any]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._keep, message)
        except RuntimeError:  # its loop is closed: it is going away
            return

    def _keep(self, message: dict[str, Any]) -> None:
        if self._messages.full():
            self._messages.get_nowait()
        self._messages.put_nowait(message)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self._messages.get()


class LocalSignals:
    """``ports.Signals`` for a system that lives in one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: dict[str, list[_Listener]] = defaultdict(list)

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """See ``ports.Signals``."""
        with self._lock:
            listeners = list(self._listeners.get(topic, ()))
        for listener in listeners:
            listener.tell(dict(message))

    def running(self) -> AbstractAsyncContextManager[None]:
        """There is nothing to keep running."""
        return nullcontext()

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """See ``ports.Signals``."""
        listener = _Listener()
        with self._lock:
            for topic in topics:
                self._listeners[topic].append(listener)
        try:
            yield listener.messages()
        finally:
            with self._lock:
                for topic in topics:
                    self._listeners[topic].remove(listener)
                    if not self._listeners[topic]:
                        del self._listeners[topic]
