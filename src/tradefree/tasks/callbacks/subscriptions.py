"""Subscriptions as people see and change them, and the installation's own signing secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from tradefree.clock import Clock
from tradefree.errors import Conflict, InvalidInput, NotFound
from tradefree.tasks.callbacks.delivery import CALLBACK, SUBSCRIPTION_LABEL, TEST_EVENT, Delivery, delivery_task
from tradefree.tasks.callbacks.secrets import KEEP, Secrets, new_secret, secret_bytes
from tradefree.tasks.callbacks.subscription import Health, Pause, Subscriber, Subscription
from tradefree.tasks.callbacks.told import moment
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.mover import Mover
from tradefree.tasks.ports import (
    DISPATCH,
    BrowseStore,
    DecideStore,
    Entry,
    Place,
    Signals,
    Submission,
    SubmitStore,
    SubscriptionStore,
    TaskFilter,
    UrlGuard,
)
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import hasten

PAGE = 500
"""Deliveries moved in one transaction."""
INSTALLATION = "callbacks"
"""What the audit trail calls the installation's own secret."""


class Storage(SubscriptionStore, SubmitStore, DecideStore, BrowseStore, Protocol):
    """What is needed of a store."""


class Subscriptions:
    """Define, pause, resume, test; rotate secrets. Everything is written to the audit trail."""

    def __init__(
        self,
        store: Storage,
        catalog: Catalog,
        signals: Signals,
        clock: Clock,
        guard: UrlGuard | None = None,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._signals = signals
        self._mover = Mover(store, catalog, signals)
        self._clock = clock
        self._guard = guard

    async def all(self) -> list[tuple[Subscriber, Health]]:
        """Every subscription by name, with how it goes."""
        subscribers, healths = await self._store.subscribers(), await self._store.healths()
        return [(subscribers[name], healths.get(name, Health())) for name in sorted(subscribers)]

    async def one(self, name: str) -> tuple[Subscriber, Health]:
        """One subscription. Raises NotFound."""
        found = (await self._store.subscribers()).get(name)
        if found is None:
            raise NotFound(f"no subscription {name[:80]!r}")
        return found, (await self._store.healths()).get(name, Health())

    async def put(self, subscription: Subscription, secret: str | None, *, by: str) -> str | None:
        """Create or replace. A new one gets a secret, which is returned: it is shown once. With a ``secret``, that one
        signs from now on, and the one before for a day more."""
        if self._guard is not None:
            self._guard.check(subscription.url, field="url")
        if secret is not None:
            check_secret(secret)
        before = (await self._store.subscribers()).get(subscription.name)
        made = new_secret() if before is None and secret is None else None
        if before is None:
            secrets = Secrets(current=secret or made or "")
        else:
            secrets = before.secrets.rotated(secret, self._clock.now()) if secret else before.secrets
        detail = subscription.model_dump(mode="json", exclude={"name", "url"}, exclude_defaults=True)
        if await self._store.put_subscription(subscription, secrets, self._entry(subscription.name, "put", by, detail)):
            self._changed()
        return made

    async def delete(self, name: str, *, by: str) -> None:
        """Raises NotFound. What is still to be told to it fails."""
        await self._store.delete_subscription(name, self._entry(name, "delete", by))
        self._changed()

    async def pause(self, name: str, reason: str, *, by: str) -> None:
        """Nothing more is sent until it is resumed. Raises NotFound."""
        await self.one(name)
        pause = Pause(by=by, at=self._clock.now(), reason=reason)
        if await self._store.pause_subscription(name, pause, self._entry(name, "pause", by, {"reason": reason})):
            self._changed()

    async def resume(self, name: str, *, by: str) -> None:
        """Send again, now, all that has waited: for the pause to end, and for another attempt. Raises NotFound."""
        await self.one(name)
        if await self._store.pause_subscription(name, None, self._entry(name, "resume", by)):
            self._changed()
        wanted = TaskFilter((Status.SCHEDULED,), (CALLBACK,), labels={SUBSCRIPTION_LABEL: name})
        below: Place | None = None
        while page := await self._store.find(wanted, limit=PAGE, below=below):
            now = self._clock.now()
            await self._mover.move([task.id for task in page], lambda task, now=now: hasten(task, now, by))  # type: ignore[misc]
            below = wanted.place(page[-1])

    async def rotate(self, name: str, *, by: str, keep: timedelta = KEEP) -> Secrets:
        """A new secret; the one before signs, too, for so long."""
        subscriber, _ = await self.one(name)
        secrets = subscriber.secrets.rotated(new_secret(), self._clock.now(), keep)
        await self._store.put_subscription(subscriber.subscription, secrets, self._entry(name, "rotate", by))
        self._changed()
        return secrets

    async def test(self, name: str, *, by: str, submitted_by: str | None = None) -> Task:
        """Send a delivery that tells of nothing. Raises NotFound, or Conflict while it is paused."""
        subscriber, _ = await self.one(name)
        if subscriber.paused is not None:
            raise Conflict(f"subscription {name!r} is paused; resume it first", code="paused")
        now = self._clock.now()
        said = Delivery(TEST_EVENT, now, {"subscription": name, "sent_by": by, "sent_at": moment(now)}, name)
        task = delivery_task(said, now, by=submitted_by)
        await self._store.submit([Submission(task)])
        self._signals.publish(DISPATCH, {"lanes": [task.lane]})
        return task

    async def installation(self) -> Secrets:
        """The secrets that sign callbacks to tasks' own ``callback_url``; made when they are first asked for."""
        return await self._store.callback_secrets() or await self._store.keep_callback_secrets(
            Secrets(current=new_secret()), self._entry(INSTALLATION, "create", "system"), replacing=None
        )

    async def rotate_installation(self, *, by: str, keep: timedelta = KEEP) -> Secrets:
        """A new one; the one before signs, too, for so long. Raises Conflict if somebody else has rotated it just
        now."""
        before = await self.installation()
        after = before.rotated(new_secret(), self._clock.now(), keep)
        kept = await self._store.keep_callback_secrets(after, self._entry(INSTALLATION, "rotate", by), replacing=before)
        if kept != after:
            raise Conflict("somebody else has rotated the secret just now; look at it again", code="changed_meanwhile")
        self._changed()
        return kept

    def _entry(self, name: str, action: str, by: str, detail: Mapping[str, Any] | None = None) -> Entry:
        target = name if name == INSTALLATION else f"subscription:{name}"
        return Entry.new(self._clock.now(), by, f"subscription.{action}", target, detail or {})

    def _changed(self) -> None:
        self._catalog.forget()
        self._signals.publish(DISPATCH, {"lanes": []})


def check_secret(secret: str) -> None:
    """Raise InvalidInput unless it is a signing secret."""
    try:
        secret_bytes(secret)
    except ValueError as error:
        raise InvalidInput(str(error), field="secret") from None
