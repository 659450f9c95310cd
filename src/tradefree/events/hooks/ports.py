"""What hooks need of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tradefree.events.hooks.hook import Hook
from tradefree.tasks.ports import Entry


class Received(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    """It had come before."""
    BAD_SIGNATURE = "bad_signature"
    """Its sender did not sign it, or signed it too long ago."""
    NOT_JSON = "not_json"
    UNMAPPED = "unmapped"
    """It says nothing that an event could be made of: the mapping does not fit."""
    REFUSED = "refused"
    """It was good, and could not be taken just then, as with a full backlog."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages came to an end of one kind, and when the last of them came."""

    number: int
    last_at: datetime


class HookStore(Protocol):
    async def config_version(self) -> int:
        """Rises with every change of a definition."""
        ...

    async def hooks(self, *, strict: bool = False) -> dict[str, Hook]:
        """Every hook by name, secrets decrypted. One whose secrets cannot be is left out, and logged; ``strict``: it
        raises SettingsError."""
        ...

    async def put_hook(self, hook: Hook, entry: Entry | None = None) -> bool:
        """Create or replace; False if nothing changed."""
        ...

    async def delete_hook(self, name: str, entry: Entry | None = None) -> None:
        """With what was counted of it. Raises NotFound."""
        ...

    async def count_messages(self, tallies: Mapping[tuple[str, Received], Tally]) -> None:
        """Add to what was counted of hooks, by name and what became of the messages."""
        ...

    async def message_counts(self) -> dict[str, dict[Received, Tally]]:
        """What was counted, by hook."""
        ...
