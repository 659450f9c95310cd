"""Subscribe: who is told about which tasks, how that goes, and the secrets that sign it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.access.secrets import SecretBox
from tradefree.database.engine import Database, aside, by_index
from tradefree.database.rows import TASK, label_digest, may_name, to_task
from tradefree.database.stores.auditing import note
from tradefree.database.stores.defining import changed
from tradefree.database.stores.ways import in_this_order
from tradefree.database.tables import installation_secrets, subscriptions, task_labels, tasks
from tradefree.errors import NotFound, SettingsError
from tradefree.tasks.callbacks.delivery import CALLBACK, TASK_LABEL
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import Health, Outcomes, Pause, Subscriber, Subscription
from tradefree.tasks.ports import Entry
from tradefree.tasks.task import Task

NAME = "callbacks"
"""The row of the installation's own secrets."""
_HEALTH = ("failures", "failing_since", "last_success_at", "last_failure_at", "last_error")
_WELL: dict[str, Any] = {"failures": 0, "failing_since": None}

log = structlog.get_logger(__name__)


class SubscribingStore:
    """Subscriptions and deliveries."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def subscribers(self, *, strict: bool = False) -> dict[str, Subscriber]:
        """See ``ports.SubscriptionStore``."""

        async def unit(connection: AsyncConnection) -> list[sa.RowMapping]:
            rows = await connection.execute(sa.select(subscriptions).order_by(subscriptions.c.name))
            return [row._mapping for row in rows]

        found = {}
        for row in await self._database.read(unit):
            try:
                found[row["name"]] = self._subscriber(row)
            except SettingsError as error:
                if strict:
                    raise
                log.error("subscription left out", subscription=row["name"], error=str(error))  # noqa: TRY400
        return found

    def _subscriber(self, row: sa.RowMapping) -> Subscriber:
        return Subscriber(
            Subscription.model_validate({**row["document"], "name": row["name"]}),
            self._opened(row["sealed_secrets"]),
            Pause.model_validate(row["paused"]) if row["paused"] is not None else None,
        )

    def _opened(self, sealed: str) -> Secrets:
        return Secrets.model_validate_json(self._box.open(sealed))

    def _sealed(self, secrets: Secrets) -> str:
        return self._box.seal(secrets.model_dump_json(exclude_none=True))

    async def put_subscription(self, subscription: Subscription, secrets: Secrets, entry: Entry) -> bool:
        """See ``ports.SubscriptionStore``."""

        async def unit(connection: AsyncConnection) -> bool:
            query = self._database.locked(sa.select(subscriptions).where(subscriptions.c.name == subscription.name))
            before = (await connection.execute(query)).one_or_none()
            if before is not None and self._same(before._mapping, subscription, secrets):
                return False
            row = {
                "document": subscription.model_dump(mode="json", exclude={"name"}, exclude_defaults=True),
                "sealed_secrets": self._sealed(secrets),
                "updated_at": await self._database.now(connection),
            }
            if before is None:
                await connection.execute(sa.insert(subscriptions), {"name": subscription.name, **row, **_WELL})
            else:
                mine = subscriptions.c.name == subscription.name
                await connection.execute(sa.update(subscriptions).where(mine).values(row))
            await _written_down(connection, entry)
            return True

        try:
            return await self._database.write(unit)
        except IntegrityError:  # somebody else has made it just now
            return await self._database.write(unit)

    def _same(self, row: sa.RowMapping, subscription: Subscription, secrets: Secrets) -> bool:
        try:
            stored = self._subscriber(row)
        except SettingsError:  # its secrets cannot be read any more, so they are replaced
            return False
        return stored.subscription == subscription and stored.secrets == secrets

    async def delete_subscription(self, name: str, entry: Entry) -> None:
        """See ``ports.SubscriptionStore``."""
        if not may_name(name):
            raise NotFound(f"no subscription {name[:80]!r}")

        async def unit(connection: AsyncConnection) -> None:
            gone = await connection.execute(sa.delete(subscriptions).where(subscriptions.c.name == name))
            if not gone.rowcount:
                raise NotFound(f"no subscription {name!r}")
            await _written_down(connection, entry)

        await self._database.write(unit)

    async def pause_subscription(self, name: str, pause: Pause | None, entry: Entry) -> bool:
        """See ``ports.SubscriptionStore``."""
        paused = subscriptions.c.paused
        mine = (subscriptions.c.name == name, paused.is_(None) if pause is not None else paused.is_not(None))
        values: dict[str, Any] = {"paused": pause.model_dump(mode="json")} if pause else {"paused": None, **_WELL}

        async def unit(connection: AsyncConnection) -> bool:
            moved = await connection.execute(sa.update(subscriptions).where(*mine).values(values))
            if moved.rowcount:
                await _written_down(connection, entry)
            return bool(moved.rowcount)

        return may_name(name) and await self._database.write(unit)

    async def healths(self) -> dict[str, Health]:
        """See ``ports.SubscriptionStore``."""
        return await self._database.read(lambda connection: _healths(connection, sa.true()))

    async def note_deliveries(self, outcomes: Mapping[str, Outcomes]) -> dict[str, Health]:
        """See ``ports.SubscriptionStore``."""

        async def unit(connection: AsyncConnection) -> dict[str, Health]:
            for name in sorted(outcomes):
                mine = subscriptions.c.name == name
                await connection.execute(sa.update(subscriptions).where(mine).values(_after(outcomes[name])))
            return await _healths(connection, subscriptions.c.name.in_(list(outcomes)))

        return await self._database.write(unit)

    async def callback_secrets(self) -> Secrets | None:
        """See ``ports.SubscriptionStore``."""
        sealed = await self._database.read(_own_secrets)
        return self._opened(sealed) if sealed is not None else None

    async def keep_callback_secrets(self, secrets: Secrets, entry: Entry, *, replacing: Secrets | None) -> Secrets:
        """See ``ports.SubscriptionStore``."""
        mine = installation_secrets.c.name == NAME

        async def unit(connection: AsyncConnection) -> Secrets:
            sealed = await connection.scalar(
                self._database.locked(sa.select(installation_secrets.c.sealed_secrets).where(mine))
            )
            kept = self._opened(sealed) if sealed is not None else None
            if kept is not None and kept != replacing:
                return kept
            row = {"sealed_secrets": self._sealed(secrets), "updated_at": await self._database.now(connection)}
            if sealed is None:
                await connection.execute(sa.insert(installation_secrets), {"name": NAME, **row})
            else:
                await connection.execute(sa.update(installation_secrets).where(mine).values(row))
            await _written_down(connection, entry)
            return secrets

        try:
            return await self._database.write(unit)
        except IntegrityError:  # somebody else has made the first just now
            return await self._database.write(unit)

    async def deliveries_of(self, task_id: str, limit: int) -> list[Task]:
        """See ``ports.SubscriptionStore``."""
        labelled = sa.select(task_labels.c.task_id).where(task_labels.c.digest == label_digest(TASK_LABEL, task_id))
        newest = by_index(labelled, task_labels).order_by(task_labels.c.task_id.desc()).limit(limit).subquery()
        query = sa.select(*TASK).select_from(newest).join(tasks, tasks.c.id == newest.c.task_id)
        query = by_index(in_this_order(query), tasks).where(aside(tasks.c.type) == CALLBACK).order_by(tasks.c.id)

        async def unit(connection: AsyncConnection) -> list[Task]:
            return [to_task(row) for row in await connection.execute(query)]

        return await self._database.read(unit) if may_name(task_id) else []


async def _written_down(connection: AsyncConnection, entry: Entry) -> None:
    """A change: everybody reads the definitions again, and the trail has it."""
    await note(connection, entry)
    await changed(connection)


async def _own_secrets(connection: AsyncConnection) -> str | None:
    query = sa.select(installation_secrets.c.sealed_secrets).where(installation_secrets.c.name == NAME)
    sealed: str | None = await connection.scalar(query)
    return sealed


async def _healths(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> dict[str, Health]:
    columns = [subscriptions.c[name] for name in ("name", *_HEALTH)]
    rows = await connection.execute(sa.select(*columns).where(which).order_by(subscriptions.c.name))
    return {row.name: Health(*row[1:]) for row in rows}


def _after(outcomes: Outcomes) -> dict[str, Any]:
    """What a row becomes."""
    values: dict[str, Any] = {}
    at: datetime = outcomes.at
    if outcomes.failures:
        values["failing_since"] = at if outcomes.succeeded else sa.func.coalesce(subscriptions.c.failing_since, at)
        values["failures"] = outcomes.failures if outcomes.succeeded else subscriptions.c.failures + outcomes.failures
    else:
        values = dict(_WELL)
    if outcomes.error is not None:
        values |= {"last_failure_at": at, "last_error": outcomes.error[:500]}
    if outcomes.succeeded:
        values["last_success_at"] = at
    return values
