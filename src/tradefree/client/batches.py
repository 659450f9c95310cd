"""Many tasks in few requests. Each has an idempotency key of its own, so every request may be sent again."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from tradefree.client.transport import Transport
from tradefree.errors import Refused

BATCH = 500
"""Tasks in one request."""
BATCH_BYTES = 4_000_000
"""Bytes in one request; a service takes 10 MB unless it is set otherwise."""
TOO_LARGE = 413


class Sized(Protocol):
    """One task, as the text that is sent."""

    @property
    def text(self) -> bytes: ...


T = TypeVar("T", bound=Sized)


class ContentKeys:
    """Idempotency keys made of the task type, the input and how often that input came before, so that inputs may be
    added, moved or removed between two runs and nothing is submitted twice."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._seen: Counter[bytes] = Counter()

    def key(self, type_name: str, value: Any) -> str:
        """The key for the next task with this input. Raises TypeError or ValueError for what is no JSON."""
        text = json.dumps(value, sort_keys=True, allow_nan=False)
        digest = hashlib.sha256(f"{type_name}\n{text}".encode()).digest()
        self._seen[digest] += 1
        return f"{self._salt}-{digest.hex()[:40]}-{self._seen[digest]}"


def batches(found: Iterable[T]) -> Iterator[list[T]]:
    """Up to ``BATCH`` tasks and ``BATCH_BYTES`` bytes at a time."""
    batch: list[T] = []
    size = 0
    for item in found:
        if batch and (len(batch) == BATCH or size + len(item.text) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.text) + 1
    if batch:
        yield batch


async def send(service: Transport, batch: Sequence[T]) -> list[tuple[T, dict[str, Any] | Refused]]:
    """What became of each: the service's outcome, or why it was not even looked at.

    A batch that the service finds too large is sent in halves.
    """
    try:
        answer = await service.submit_batch([item.text for item in batch])
    except Refused as error:
        if error.status != TOO_LARGE:
            raise
        if len(batch) == 1:
            return [(batch[0], error)]
        middle = len(batch) // 2
        return [*await send(service, batch[:middle]), *await send(service, batch[middle:])]
    return [(batch[outcome["index"]], outcome) for outcome in answer["items"]]
