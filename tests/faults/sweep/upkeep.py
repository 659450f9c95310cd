"""The units of what is kept, put under another key, written down and deleted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import sqlalchemy as sa

from faults.sweep.sources import HOOK, defined, fire
from faults.sweep.system import EARLIER, System
from faults.sweep.unit import Unit
from tradefree.database.source_tables import hooks
from tradefree.database.stores.backing import BackupRecord
from tradefree.database.stores.resealing import Resealed
from tradefree.database.tables import connections
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event, NewEvent
from tradefree.events.ports import Arrival
from tradefree.tasks.ports import Entry

ENDED = ("c-1", "f-1", "k-1")
OLD = "0-"
"""How ids begin that are before any moment: what goes by its id goes by the moment in it."""
LATER = timedelta(days=1)


def an_entry(system: System) -> Entry:
    return Entry(f"{OLD}entry", system.clock.now(), "ann", "secrets.rotated", "secrets", {"n": 1})


def a_record(system: System) -> BackupRecord:
    return BackupRecord("b-1", system.clock.now(), "one.tfb", "host", size=1, row_count=1)


async def write_down(system: System) -> None:
    await system.store.write_down(an_entry(system))


async def under_an_earlier_key(system: System) -> None:
    """A connection and a hook whose secrets were sealed before the key was changed."""
    await system.store.put_hook(HOOK)
    for column in (connections.c.sealed_api_key, hooks.c.sealed_secrets):
        sealed = EARLIER.seal('["a secret"]' if column.table is hooks else "app-1")
        statement = sa.update(column.table).values({column.name: sealed})
        await system.database.write(lambda connection, s=statement: connection.execute(s))  # type: ignore[misc]


async def reseal(system: System) -> Resealed:
    return await system.store.reseal(an_entry(system))


async def record_backup(system: System) -> None:
    await system.store.record_backup(a_record(system))


async def record_proof(system: System) -> None:
    proved = asdict(a_record(system)) | {"proved_at": system.clock.now(), "proved_on": "sqlite"}
    await system.store.record_proof(BackupRecord(**proved))


async def delete_tasks(system: System) -> int:
    """Some that have ended, and one that has not."""
    return await system.store.delete_tasks([*ENDED, "r-1"], system.clock.now() + LATER)


async def taken(system: System) -> None:
    now = system.clock.now()
    decision = Decision("rule", 1, Outcome.NO_MATCH, "filter", conditions=(False,))
    events = [Event.of(NewEvent(f"{n}", "/shop", "order.created"), f"{OLD}{n}", now, "key:someone") for n in (1, 2)]
    await system.store.take([Arrival(event, (decision,)) for event in events])


async def fired(system: System) -> None:
    await defined(system)
    await fire(system)


DELETING = [
    Unit("delete old tasks", delete_tasks, same_answer=False),
    Unit(
        "delete old lines of the trail",
        lambda system: system.store.prune_audit(system.clock.now() + LATER, 10),
        write_down,
        same_answer=False,
    ),
    Unit(
        "delete old events",
        lambda system: system.store.prune_events(system.clock.now() + LATER, 10),
        taken,
        same_answer=False,
    ),
    Unit(
        "delete old runs of schedules",
        lambda system: system.store.prune_fires(system.clock.now() + LATER, 10),
        fired,
        same_answer=False,
    ),
]
"""They say how many have gone; a repeat finds nothing left."""

UPKEEP = [
    Unit("write a line of the trail", write_down),
    Unit("put secrets under another key", reseal, under_an_earlier_key, None, same_answer=False, but=("audit.detail",)),
    Unit("remember a backup", record_backup),
    Unit("remember a proof", record_proof, record_backup),
    Unit("remember a proof of an unknown backup", record_proof),
    *DELETING,
]
"""To a repeat, secrets are under the first key already."""
