"""``submit --jsonl``: a file of inputs, one task for each line, so that a repeated run submits nothing twice.

The idempotency key of a line is made of the task type, the line's value and how often that value stood in the file
before, so lines may be added, moved or removed between two runs. Options are not in it: a line that was submitted with
other options is refused by the service instead of being run (and paid for) again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tradefree.cli.client import Client, problem_text
from tradefree.cli.exits import Refused
from tradefree.cli.inputs import parse
from tradefree.errors import InvalidInput

BATCH = 500
"""Tasks in one request."""
BATCH_BYTES = 4_000_000
"""Bytes in one request; a service takes 10 MB unless it is set otherwise."""
TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the file, as a task to submit."""

    line: int
    text: bytes


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    accepted: int = 0
    """New tasks."""
    replayed: int = 0
    """Tasks that were there from an earlier run."""
    ids: list[str] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    """Line numbers, from 1, and reasons."""


def items(lines: Iterable[bytes], options: Mapping[str, Any], salt: str, tally: Tally) -> Iterator[Item]:
    """A task for each line that is not blank; lines that are not JSON go to ``tally.rejected``."""
    seen: Counter[bytes] = Counter()
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            value = parse(raw, f"line {number}")
            text = json.dumps(value, sort_keys=True, allow_nan=False)
        except (InvalidInput, ValueError) as error:
            tally.rejected.append((number, str(error).removeprefix(f"line {number}: ")))
            continue
        digest = hashlib.sha256(f"{options['type']}\n{text}".encode()).digest()
        seen[digest] += 1
        key = f"{salt}-{digest.hex()[:40]}-{seen[digest]}"
        yield Item(number, json.dumps({**options, "input_data": value, "idempotency_key": key}).encode())


def batches(found: Iterable[Item]) -> Iterator[list[Item]]:
    """Up to ``BATCH`` tasks and ``BATCH_BYTES`` bytes at a time."""
    batch: list[Item] = []
    size = 0
    for item in found:
        if batch and (len(batch) == BATCH or size + len(item.text) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.text) + 1
    if batch:
        yield batch


async def submit_lines(
    client: Client,
    lines: Iterable[bytes],
    options: Mapping[str, Any],
    *,
    salt: str = "jsonl",
    progress: Callable[[int], object] = lambda _: None,
) -> Tally:
    """Submit a task for each line; ``progress`` hears how many were answered."""
    tally = Tally()
    for batch in batches(items(lines, options, salt, tally)):
        await _send(client, batch, tally)
        progress(len(batch))
    tally.rejected.sort()
    return tally


async def _send(client: Client, batch: list[Item], tally: Tally) -> None:
    try:
        answer = await client.submit_batch([item.text for item in batch])
    except Refused as error:
        if error.status != TOO_LARGE:
            raise
        if len(batch) == 1:
            tally.rejected.append((batch[0].line, str(error)))
            return
        middle = len(batch) // 2
        await _send(client, batch[:middle], tally)
        await _send(client, batch[middle:], tally)
        return
    for outcome in answer["items"]:
        _count(outcome, batch[outcome["index"]].line, tally)


def _count(outcome: Mapping[str, Any], line: int, tally: Tally) -> None:
    if outcome["status"] == "rejected":
        tally.rejected.append((line, problem_text(outcome["error"] or {})))
        return
    tally.ids.append(outcome["task"]["id"])
    if outcome["status"] == "replayed":
        tally.replayed += 1
    else:
        tally.accepted += 1
