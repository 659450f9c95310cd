"""Taking events, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

from tradefree.errors import BacklogFull
from tradefree.events.decide import Decision
from tradefree.events.disable import counted
from tradefree.events.event import Event
from tradefree.events.ports import Arrival, Taken
from tradefree.events.refuse import refused
from tradefree.tasks.ports import Backlog
from tradefree.tasks.submit import accepted_line
from tradefree.tasks.task import Task
from tradefree.testing.memory.submitting import full_backlog
from tradefree.testing.memory.tables import Tables, check, clone, in_utc, through_json


class Taking:
    """Implements ``events.ports.EventStore``, as far as events are stored."""

    _tables: Tables

    async def take(self, arrivals: Sequence[Arrival]) -> list[Taken | Exception]:
        async with self._tables.write():
            return self.take_inside(arrivals)

    def take_inside(self, arrivals: Sequence[Arrival]) -> list[Taken | Exception]:
        """The same inside a unit of the caller."""
        fresh: dict[str, tuple[Taken, list[Task]]] = {}
        outcomes = [self._take_event(arrival, fresh) for arrival in arrivals]
        for digest, (taken, tasks) in fresh.items():
            self._tables.events[taken.event.id] = taken.event
            self._tables.event_ids[digest] = taken.event.id
            self._tables.decisions[taken.event.id] = taken.decisions
            self._tables.tasks.update({task.id: task for task in tasks})
            self._tables.append(accepted_line(task) for task in tasks)
        self._count_failures([decision for taken, _ in fresh.values() for decision in taken.decisions])
        return outcomes

    def _take_event(self, arrival: Arrival, fresh: dict[str, tuple[Taken, list[Task]]]) -> Taken | Exception:
        digest = arrival.event.digest
        if digest in fresh:
            return replace(fresh[digest][0], replayed=True)
        if (known := self._tables.event_ids.get(digest)) is not None:
            return Taken(copied(self._tables.events[known]), self._tables.decisions[known], replayed=True)
        tasks: list[Task] = []
        full: dict[str, Backlog] = {}
        waiting = [*self._tables.tasks.values(), *(task for _, made in fresh.values() for task in made)]
        for name, submission in arrival.submissions.items():
            if (backlog := full_backlog(submission, (*waiting, *tasks))) is not None:
                full[name] = backlog
            else:
                tasks.append(check(in_utc(clone(submission.task))))
        if full and arrival.refusable:
            backlog = next(iter(full.values()))
            return BacklogFull(str(backlog.scope), backlog.most)
        taken = Taken(copied(arrival.event), refused(arrival.decisions, full))
        fresh[digest] = (taken, tasks)
        return taken

    def _count_failures(self, decisions: Sequence[Decision]) -> None:
        by_trigger: dict[str, list[Decision]] = defaultdict(list)
        for decision in decisions:
            by_trigger[decision.trigger].append(decision)
        for name, own in by_trigger.items():
            if (kept := self._tables.triggers.get(name)) is None:
                continue
            self._tables.triggers[name], notice = counted(kept, own, self._tables.now)
            if notice is not None:
                version, entry = notice
                self._tables.trigger_versions[name, version.version] = version
                self._tables.audit[entry.id] = entry
                self._tables.config_version += 1


def copied(event: Event, *, payloads: bool = True) -> Event:
    """The event as a database gives it back: sharing nothing, its times in UTC."""
    return replace(
        event,
        data=through_json(event.data) if payloads else None,
        attributes=dict(event.attributes),
        time=event.time.astimezone(UTC) if event.time is not None else None,
        received_at=event.received_at.astimezone(UTC),
    )
