"""Take: events, what was decided about them and the tasks that follow, in one transaction."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.event_rows import DECISION, EVENT_WITH_DATA, decision_row, event_row, to_decision, to_event
from tradefree.database.event_tables import event_decisions, events
from tradefree.database.stores.backlog import find_room, take_room
from tradefree.database.stores.submitting import insert
from tradefree.database.stores.triggering import count_failures
from tradefree.errors import BacklogFull, StorageUnavailable, TooLarge
from tradefree.events.decide import Decision
from tradefree.events.ports import Arrival, Taken
from tradefree.events.refuse import refused
from tradefree.limits.scopes import Scope
from tradefree.tasks.ports import Backlog

CONTESTED = 10
"""How often a unit is repeated because somebody else stored one of its events first; then it is halved."""


class TakingStore:
    """Stores what is raised."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, arrivals: Sequence[Arrival]) -> list[Taken | Exception]:
        """See ``events.ports.EventStore``. One that is too large for the server is found by halving."""
        try:
            return await self._take(arrivals)
        except TooLarge as error:
            if len(arrivals) == 1:
                return [TooLarge(error.reason, field="data")]
        except IntegrityError as error:
            if len(arrivals) == 1:
                raise StorageUnavailable("the event is being stored by others again and again") from error
        middle = len(arrivals) // 2
        return [*await self.take(arrivals[:middle]), *await self.take(arrivals[middle:])]

    async def _take(self, arrivals: Sequence[Arrival]) -> list[Taken | Exception]:
        async def unit(connection: AsyncConnection) -> list[Taken | Exception]:
            return await put_arrivals(self._database, connection, arrivals)

        for turn in range(CONTESTED):
            try:
                return await self._database.write(unit)
            except IntegrityError:  # a repeat of what was committed, or somebody else was first with an event
                if turn + 1 == CONTESTED:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01) * turn)  # noqa: S311
        raise AssertionError("unreachable")


async def put_arrivals(
    database: Database, connection: AsyncConnection, arrivals: Sequence[Arrival]
) -> list[Taken | Exception]:
    """The same inside a transaction of the caller, who must repeat it after an IntegrityError: somebody else stored
    one of the events in the meantime."""
    known = await _known(connection, [arrival.event.digest for arrival in arrivals])
    first: dict[str, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.event.digest, arrival)
    fresh = [arrival for digest, arrival in first.items() if digest not in known]
    outcomes: dict[str, Taken | BacklogFull] = dict(known)
    outcomes |= await _with_room(database, connection, fresh)
    await _insert(database, connection, fresh, outcomes)
    return [_outcome(arrival, first, known, outcomes) for arrival in arrivals]


def _outcome(
    arrival: Arrival,
    first: Mapping[str, Arrival],
    known: Mapping[str, Taken],
    outcomes: Mapping[str, Taken | Exception],
) -> Taken | Exception:
    """What became of one; a second one with the same source and id in the same call is a repeat of the first."""
    digest = arrival.event.digest
    outcome = outcomes[digest]
    if isinstance(outcome, Taken) and first[digest] is not arrival and digest not in known:
        return Taken(outcome.event, outcome.decisions, replayed=True)
    return outcome


async def _known(connection: AsyncConnection, digests: Sequence[str]) -> dict[str, Taken]:
    """Which of these events are stored, by digest, with what was decided about them."""
    query = by_index(sa.select(*EVENT_WITH_DATA), events, "uq_events_digest").where(events.c.digest.in_(set(digests)))
    found = {event.id: event for event in map(to_event, await connection.execute(query))}
    if not found:
        return {}
    decided = await decisions_about(connection, list(found))
    return {event.digest: Taken(event, tuple(decided.get(id_, ())), True) for id_, event in found.items()}


async def decisions_about(connection: AsyncConnection, event_ids: Sequence[str]) -> dict[str, list[Decision]]:
    """The decisions about these events, by event."""
    query = by_index(sa.select(*DECISION), event_decisions).where(event_decisions.c.event_id.in_(event_ids))
    order = (event_decisions.c.event_id, event_decisions.c.trigger_name)
    decided: dict[str, list[Decision]] = {}
    for row in await connection.execute(query.order_by(*order)):
        decided.setdefault(row.event_id, []).append(to_decision(row))
    return decided


async def _with_room(
    database: Database, connection: AsyncConnection, fresh: Sequence[Arrival]
) -> dict[str, Taken | BacklogFull]:
    """What becomes of events that are new, as far as their tasks may wait."""
    submissions = [submission for arrival in fresh for submission in arrival.submissions.values()]
    room = await find_room(database, connection, submissions)
    return {arrival.event.digest: _settled(arrival, room) for arrival in fresh}


def _settled(arrival: Arrival, room: dict[Scope, int]) -> Taken | BacklogFull:
    left = dict(room)
    full: dict[str, Backlog] = {}
    for name, submission in arrival.submissions.items():
        if (backlog := take_room(submission, left)) is not None:
            full[name] = backlog
    if full and arrival.refusable:
        backlog = next(iter(full.values()))
        return BacklogFull(str(backlog.scope), backlog.most)
    room.update(left)
    return Taken(arrival.event, refused(arrival.decisions, full))


async def _insert(
    database: Database,
    connection: AsyncConnection,
    fresh: Sequence[Arrival],
    outcomes: Mapping[str, Taken | BacklogFull],
) -> None:
    """Store what was settled, in the order of the digests, so that two who store the same do not wait in a circle."""
    stored = [(arrival, outcomes[arrival.event.digest]) for arrival in fresh]
    taken = [(arrival, outcome) for arrival, outcome in stored if isinstance(outcome, Taken)]
    in_turn = [decision for _, outcome in taken for decision in outcome.decisions]
    taken.sort(key=lambda pair: pair[0].event.digest)
    decisions = [(outcome.event.id, decision) for _, outcome in taken for decision in outcome.decisions]
    made = {decision.task_id for _, decision in decisions if decision.task_id is not None}
    submissions = [s for arrival, _ in taken for s in arrival.submissions.values() if s.task.id in made]
    await database.insert(connection, events, [event_row(outcome.event) for _, outcome in taken])
    await database.insert(connection, event_decisions, [decision_row(*pair) for pair in decisions])
    await insert(database, connection, submissions)
    await count_failures(database, connection, in_turn)
