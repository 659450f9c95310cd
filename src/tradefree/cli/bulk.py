"""``submit --jsonl``: a file of inputs, one task for each line, so that a repeated run submits nothing twice.

The idempotency key of a line is made of the task type, the line's value and how often that value stood in the file
before, so lines may be added, moved or removed between two runs. Options are not in it: a line that was submitted with
other options is refused by the service instead of being run (and paid for) again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tradefree.cli.client import Client
from tradefree.cli.inputs import parse
from tradefree.client.answers import problem_text
from tradefree.client.batches import ContentKeys, batches, send
from tradefree.errors import InvalidInput, Refused


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
    keys = ContentKeys(salt)
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            value = parse(raw, f"line {number}")
            key = keys.key(options["type"], value)
        except (InvalidInput, ValueError) as error:
            tally.rejected.append((number, str(error).removeprefix(f"line {number}: ")))
            continue
        yield Item(number, json.dumps({**options, "input_data": value, "idempotency_key": key}).encode())


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
        for item, outcome in await send(client, batch):
            _count(outcome, item.line, tally)
        progress(len(batch))
    tally.rejected.sort()
    return tally


def _count(outcome: Mapping[str, Any] | Refused, line: int, tally: Tally) -> None:
    if isinstance(outcome, Refused):
        tally.rejected.append((line, str(outcome)))
        return
    if outcome["status"] == "rejected":
        tally.rejected.append((line, problem_text(outcome["error"] or {})))
        return
    tally.ids.append(outcome["task"]["id"])
    if outcome["status"] == "replayed":
        tally.replayed += 1
    else:
        tally.accepted += 1
