"""Subscriptions, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tradefree.errors import NotFound
from tradefree.tasks.callbacks.delivery import CALLBACK, TASK_LABEL
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import Health, Outcomes, Pause, Subscriber, Subscription
from tradefree.tasks.ports import Entry
from tradefree.tasks.task import Task
from tradefree.testing.memory.tables import Tables, clone


class Subscribing:
    """Implements ``ports.SubscriptionStore``. Definitions are frozen, so they need no copies."""

    _tables: Tables

    async def subscribers(self, *, strict: bool = False) -> dict[str, Subscriber]:  # noqa: ARG002
        await self._tables.read()
        return dict(sorted(self._tables.subscribers.items()))

    async def put_subscription(self, subscription: Subscription, secrets: Secrets, entry: Entry) -> bool:
        async with self._tables.write():
            before = self._tables.subscribers.get(subscription.name)
            after = Subscriber(subscription, secrets, before.paused if before else None)
            if before == after:
                return False
            self._tables.subscribers[subscription.name] = after
            self._written_down(entry)
            return True

    async def delete_subscription(self, name: str, entry: Entry) -> None:
        async with self._tables.write():
            if self._tables.subscribers.pop(name, None) is None:
                raise NotFound(f"no subscription {name!r}")
            self._tables.healths.pop(name, None)
            self._written_down(entry)

    async def pause_subscription(self, name: str, pause: Pause | None, entry: Entry) -> bool:
        async with self._tables.write():
            before = self._tables.subscribers.get(name)
            if before is None or (before.paused is None) == (pause is None):
                return False
            self._tables.subscribers[name] = replace(before, paused=pause)
            if pause is None and name in self._tables.healths:
                self._tables.healths[name] = replace(self._tables.healths[name], failures=0, failing_since=None)
            self._written_down(entry)
            return True

    async def healths(self) -> dict[str, Health]:
        await self._tables.read()
        return {name: self._tables.healths.get(name, Health()) for name in sorted(self._tables.subscribers)}

    async def note_deliveries(self, outcomes: Mapping[str, Outcomes]) -> dict[str, Health]:
        async with self._tables.write():
            for name in outcomes.keys() & self._tables.subscribers.keys():
                before = self._tables.healths.get(name, Health())
                self._tables.healths[name] = _after(before, outcomes[name])
            return {name: self._tables.healths[name] for name in sorted(outcomes) if name in self._tables.healths}

    async def callback_secrets(self) -> Secrets | None:
        await self._tables.read()
        return self._tables.callback_secrets

    async def keep_callback_secrets(self, secrets: Secrets, entry: Entry, *, replacing: Secrets | None) -> Secrets:
        async with self._tables.write():
            if self._tables.callback_secrets not in (None, replacing):
                return self._tables.callback_secrets
            self._tables.callback_secrets = secrets
            self._written_down(entry)
            return secrets

    async def deliveries_of(self, task_id: str, limit: int) -> list[Task]:
        await self._tables.read()
        mine = (t for t in self._tables.tasks.values() if t.type == CALLBACK and t.labels.get(TASK_LABEL) == task_id)
        return [clone(task, payloads=()) for task in sorted(mine, key=lambda task: task.id)[-limit:]]

    def _written_down(self, entry: Entry) -> None:
        self._tables.note(entry)
        self._tables.config_version += 1


def _after(before: Health, outcomes: Outcomes) -> Health:
    begins_anew = outcomes.succeeded or before.failing_since is None
    failing = outcomes.failures > 0
    return Health(
        failures=(0 if outcomes.succeeded else before.failures) + outcomes.failures if failing else 0,
        failing_since=(outcomes.at if begins_anew else before.failing_since) if failing else None,
        last_success_at=outcomes.at if outcomes.succeeded else before.last_success_at,
        last_failure_at=outcomes.at if outcomes.error is not None else before.last_failure_at,
        last_error=outcomes.error[:500] if outcomes.error is not None else before.last_error,
    )
