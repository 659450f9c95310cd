"""Wake-ups and live updates: the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Doorbell(Protocol):
    async def ring(self, address: str, ids: Sequence[str]) -> None:
        """Tell a worker that these tasks are its. Best effort: a lost ring costs one beat, never a task."""
        ...

    def forget(self, address: str) -> None:
        """Nobody answers there any more. Best effort; returns at once."""
        ...


class Signals(Protocol):
    """Wake-ups and live updates: at most once, never the truth."""

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Tell whoever listens. Never blocks, never raises."""
        ...

    def subscribe(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Messages published to the topics from now on."""
        ...


DISPATCH = "dispatch"
"""Topic: ``{"lanes": [...]}`` have new work or new room; ``{"missed": true}``: some messages may have been lost."""


def task_topic(task_id: str) -> str:
    """Topic of one task: status moves, new log lines, partial text."""
    return f"task:{task_id}"


WORKERS = "workers"
"""Topic: ``{"ids": [...]}`` name workers that should beat now (a cancel was asked for); ``{"missed": true}``: all
should, some messages may have been lost."""
