"""What events need of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tradefree.events.decide import Decision
from tradefree.events.event import Event
from tradefree.events.trigger import Kept, Trigger, Version
from tradefree.tasks.ports import Entry, Submission
from tradefree.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event to store, what the rules decided about it, and the tasks that follow."""

    event: Event
    decisions: tuple[Decision, ...] = ()
    submissions: Mapping[str, Submission] = field(default_factory=dict)
    """By trigger: the tasks of those decisions that are ``made``."""
    refusable: bool = True
    """Where too many tasks wait already: True refuses the whole event, because its sender will repeat it; False keeps
    it, with a decision that is ``refused``."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A stored event with the decisions about it."""

    event: Event
    decisions: tuple[Decision, ...] = ()
    replayed: bool = False
    """True if it was there already: these are the event and the decisions of the first time."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; everything given must hold."""

    type: str | None = None
    """A type, or a beginning of one with ``*`` behind it."""
    source: str | None = None
    subject: str | None = None
    received_by: str | None = None
    received_after: datetime | None = None
    received_before: datetime | None = None


class EventStore(Protocol):
    async def take(self, arrivals: Sequence[Arrival]) -> list[Taken | Exception]:
        """Store events, decisions and tasks, each event whole or not at all: one outcome for each, in order.

        What is known by source and id is answered with what is stored, and nothing is made of it again. An outcome is
        BacklogFull where the event was refused, TooLarge where the server does not take it; the others are stored. A
        trigger that has failed too often in a row is disabled, and that is written down.
        """
        ...

    async def events(
        self, wanted: EventFilter, *, limit: int, before_id: str | None = None, payloads: bool = True
    ) -> list[Event]:
        """Newest first, ids below ``before_id``."""
        ...

    async def event(self, event_id: str, *, payloads: bool = True) -> Event | None: ...

    async def decisions(self, event_ids: Sequence[str]) -> dict[str, list[Decision]]:
        """The decisions about these events, by event, in the order of the triggers' names."""
        ...

    async def decisions_of(
        self, trigger: str, *, limit: int, before_id: str | None = None
    ) -> list[tuple[str, Decision]]:
        """The latest decisions of a trigger, with the ids of their events, newest first."""
        ...

    async def tasks_of(self, event_id: str) -> list[Task]:
        """The tasks that an event made, without payloads, oldest first."""
        ...

    async def triggers(self) -> tuple[int, list[Kept]]:
        """The configuration's version and every trigger by name."""
        ...

    async def put_trigger(self, trigger: Trigger, entry: Entry, *, version: int | None = None) -> Kept | None:
        """Create or replace, and write down who did it; None if nothing changed. Failures count anew.

        Raises Stale unless it has this version; 0: it is not there; None: whatever it has.
        """
        ...

    async def delete_trigger(self, name: str, entry: Entry, *, version: int | None = None) -> None:
        """Raises NotFound, or Stale unless it has this version. Its versions stay, for the decisions it made."""
        ...

    async def trigger_versions(self, pairs: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Version]:
        """These versions of these triggers, as far as they are there."""
        ...

    async def versions_of(self, name: str, *, limit: int) -> list[Version]:
        """The latest versions of a trigger, newest first."""
        ...
