"""Subscriptions to what becomes of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import Health, Outcomes, Pause, Subscriber, Subscription
from tradefree.tasks.ports.defining import Entry
from tradefree.tasks.task import Task


class UrlGuard(Protocol):
    def check(self, url: str, *, field: str) -> None:
        """Raise InvalidInput, naming the field, for an address that nothing would be sent to."""
        ...


class SubscriptionStore(Protocol):
    async def subscribers(self, *, strict: bool = False) -> dict[str, Subscriber]:
        """Every subscription by name, secrets decrypted. One whose secrets cannot be is left out, and logged;
        ``strict``: it raises SettingsError."""
        ...

    async def put_subscription(self, subscription: Subscription, secrets: Secrets, entry: Entry) -> bool:
        """Create or replace; a pause stays. False if nothing changed."""
        ...

    async def delete_subscription(self, name: str, entry: Entry) -> None:
        """Raises NotFound."""
        ...

    async def pause_subscription(self, name: str, pause: Pause | None, entry: Entry) -> bool:
        """Pause it or, with None, resume it, which forgets its failures. False if it was so before or is not there."""
        ...

    async def healths(self) -> dict[str, Health]:
        """How deliveries have gone, by subscription."""
        ...

    async def note_deliveries(self, outcomes: Mapping[str, Outcomes]) -> dict[str, Health]:
        """Write down how deliveries went, by subscription; how it stands with these now."""
        ...

    async def callback_secrets(self) -> Secrets | None:
        """The installation's own secrets; None if none were made yet."""
        ...

    async def keep_callback_secrets(self, secrets: Secrets, entry: Entry, *, replacing: Secrets | None) -> Secrets:
        """Keep these instead of those that are replaced (None: there are none); what is kept after that, which is
        another's if somebody else was first."""
        ...

    async def deliveries_of(self, task_id: str, limit: int) -> list[Task]:
        """The newest deliveries that tell of a task, oldest first, without payloads."""
        ...
