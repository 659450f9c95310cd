"""What operators define and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tradefree.ids import new_id_at
from tradefree.limits.caps import Caps, Override
from tradefree.limits.scopes import Scope
from tradefree.tasks.callbacks.subscription import Subscriber
from tradefree.tasks.types import Connection, TaskType


@dataclass(frozen=True, slots=True)
class Limits:
    """What was written of limits apart from task types and connections."""

    baselines: Mapping[Scope, Caps] = field(default_factory=dict)
    overrides: Mapping[Scope, Override] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the audit trail: who did what to which thing, when."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def new(cls, at: datetime, actor: str, action: str, target: str, detail: Mapping[str, Any] | None = None) -> Entry:
        """A fresh line. Its id carries the moment, by which it is found and by which it grows old."""
        return cls(new_id_at(at), at, actor, action, target, detail or {})


class CatalogStore(Protocol):
    async def subscribers(self, *, strict: bool = False) -> dict[str, Subscriber]:
        """See ``SubscriptionStore``."""
        ...

    async def config_version(self) -> int:
        """Rises with every change of a definition."""
        ...

    async def task_types(self) -> tuple[int, dict[str, TaskType]]:
        """The configuration's version and every task type by name."""
        ...

    async def put_task_type(self, task_type: TaskType, entry: Entry | None = None) -> bool:
        """Create or replace; False if nothing changed. Here as below, ``entry`` is who did it: it is written down with
        the change, and not at all if nothing changed."""
        ...

    async def delete_task_type(self, name: str, entry: Entry | None = None) -> None:
        """Raises NotFound, or Conflict while live tasks of the type exist."""
        ...

    async def connections(self, *, strict: bool = False) -> dict[str, Connection]:
        """Every connection by name, secrets decrypted. One whose secret cannot be is left out, and logged;
        ``strict``: it raises SettingsError."""
        ...

    async def put_connection(self, connection: Connection, entry: Entry | None = None) -> bool: ...

    async def delete_connection(self, name: str, entry: Entry | None = None) -> None:
        """Raises NotFound, or Conflict while a task type uses it."""
        ...

    async def limits(self) -> Limits:
        """The caps of everything, queues and shared limits, and what was changed in any scope."""
        ...

    async def put_baseline(self, scope: Scope, caps: Caps | None, entry: Entry | None = None) -> bool:
        """Set the caps of everything, a queue or a shared limit, or (None) take them away; False if nothing changed.
        Raises Conflict when a shared limit is taken away that a task type points to."""
        ...

    async def put_override(self, scope: Scope, override: Override | None, entry: Entry) -> bool:
        """Change a scope while the system runs, or (None) go back to what is defined, and write down who did it; False
        if nothing changed."""
        ...

    async def write_down(self, entry: Entry) -> None:
        """Add a line to the audit trail, for what changes no definition."""
        ...

    async def audit(
        self,
        *,
        limit: int,
        before_id: str | None = None,
        target: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Entry]:
        """What people changed, newest first. ``action``: one, or with ``*`` at its end those that begin so; ``after``
        and ``before`` are moments between which it was done."""
        ...
