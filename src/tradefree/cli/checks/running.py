"""What runs on this database: the leader, the workers, and queues that nobody serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.bootstrap import VERSION
from tradefree.cli.checks.check import Caution
from tradefree.cli.words import plural
from tradefree.database.engine import Database
from tradefree.database.rows import WORKER, to_worker
from tradefree.database.tables import leaders, task_types, tasks, workers
from tradefree.errors import StorageUnavailable
from tradefree.tasks.states import Status
from tradefree.tasks.task import Worker

COUNTED = 1000
"""Waiting tasks of a type that are counted; more are only said to be more."""


async def read_workers(database: Database) -> list[Worker]:
    """The workers that take work: live, with a lease that has not run out."""

    async def unit(connection: AsyncConnection) -> list[Worker]:
        now = await database.now(connection)
        query = sa.select(*WORKER).where(workers.c.status == "live", workers.c.lease_until > now)
        return [to_worker(row) for row in await connection.execute(query)]

    return await database.read(unit)


async def count_workers(database: Database) -> int:
    """How many take work; 0 if the tables are not there yet."""
    try:
        return len(await read_workers(database))
    except StorageUnavailable:
        return 0


async def read_waiting(database: Database) -> dict[str, Counter[str]]:
    """Waiting tasks by queue and type, counted up to COUNTED. Every type is there, with 0 if none waits."""

    async def unit(connection: AsyncConnection) -> dict[str, Counter[str]]:
        by_queue: dict[str, Counter[str]] = {}
        for document in (await connection.execute(sa.select(task_types.c.document))).scalars():
            name, queue = document["name"], document.get("queue", "default")
            lane = (tasks.c.status == Status.PENDING, tasks.c.lane >= f"{name}/", tasks.c.lane < f"{name}0")
            some = sa.select(sa.literal(1)).where(*lane).limit(COUNTED + 1).subquery()
            number = await connection.scalar(sa.select(sa.func.count()).select_from(some))
            by_queue.setdefault(queue, Counter())[name] = int(number or 0)
        return by_queue

    return await database.read(unit)


def queues(waiting: Mapping[str, Counter[str]], live: Sequence[Worker], *, embedded: bool) -> str:
    """Every queue of a task type is served."""
    served = {queue for worker in live for queue in worker.queues}
    lonely = sorted(set(waiting) - served)
    if not lonely:
        return f"{', '.join(sorted(waiting))}: served" if waiting else "no task types yet"
    told = "; ".join(f"{queue} ({_waits(waiting[queue])})" for queue in lonely)
    command = "start `tradefree up`" if embedded else f"start `tradefree worker --queues {','.join(lonely)}`"
    names = ",".join(sorted(set(waiting) | served))
    advice = f"Set TRADEFREE_QUEUES={names} and {command}." if embedded else f"{command.capitalize()}."
    raise Caution(f"no live worker serves {told}", advice)


def _waits(types: Counter[str]) -> str:
    many = any(count > COUNTED for count in types.values())
    number = f"over {COUNTED} tasks" if many else plural(types.total(), "task")
    return f"{', '.join(sorted(types))}: {number} waiting"


def staff(live: Sequence[Worker], *, embedded: bool) -> str:
    """There are workers, of this version."""
    if not live:
        raise Caution(
            "none is live, so no task runs",
            "Start `tradefree up`." if embedded else "Start `tradefree worker` on one machine or many.",
        )
    others = Counter(worker.version for worker in live if worker.version != VERSION)
    if others:
        told = ", ".join(f"{number} of {version}" for version, number in sorted(others.items()))
        raise Caution(
            f"{plural(len(live), 'live worker')}, but {told}; this is {VERSION}",
            "Install one version everywhere, and start again those of the other.",
        )
    places = sum(worker.capacity for worker in live)
    return f"{plural(len(live), 'live worker')} of version {VERSION}, {plural(places, 'place')}"


async def leader(database: Database, *, embedded: bool) -> str:
    """Somebody decides which tasks may run."""

    async def unit(connection: AsyncConnection) -> str | None:
        now = await database.now(connection)
        query = sa.select(leaders.c.holder).where(leaders.c.lease_until > now, leaders.c.holder.is_not(None))
        holder: str | None = await connection.scalar(query)
        return holder

    holder = await database.read(unit)
    if holder is None:
        raise Caution(
            "nobody leads: tasks are kept, but none starts",
            "Start `tradefree up`." if embedded else "Start `tradefree api`; one that was killed is replaced in 4 s.",
        )
    return f"{holder} leads"
