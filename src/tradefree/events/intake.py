"""Intake: the one way in for events. Check, decide, store with the tasks that follow, then wake the dispatcher."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from tradefree.batching import Coalescer
from tradefree.clock import Clock
from tradefree.errors import BacklogFull, InvalidInput
from tradefree.events.decide import Decision, values_of
from tradefree.events.event import Event, NewEvent
from tradefree.events.judge import Judge
from tradefree.events.ports import Arrival, EventStore, Taken
from tradefree.events.rulebook import Rulebook
from tradefree.events.rules import Rules
from tradefree.ids import new_id_at
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import DISPATCH, Signals, Submission

MAX_BATCH = 1000
"""Events in one batch."""
ROW = 400
"""Bytes that a decision or a task weighs apart from the event's data, which is in the task's input again."""
MAX_WEIGHT = 2_000_000
"""Bytes in one transaction, unless one event makes more: transactions must stay short."""
PAUSE = 0.01
"""Seconds between transactions of single events at the least: those that come closer share one."""
BREATH = 20
"""Events of a batch, or tens of rules, that are looked at before others have their turn."""


class Intake:
    """Takes events; those that arrive while a transaction is under way share the next one."""

    def __init__(self, store: EventStore, rules: Rules, catalog: Catalog, signals: Signals, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._judge = Judge(catalog)
        self._signals = signals
        self._clock = clock
        self._batch_turn = asyncio.Lock()
        """One batch after another, as in ``Submitter``."""
        self._coalescer = Coalescer[Arrival, Taken](
            self._write, max_items=MAX_BATCH, max_bytes=MAX_WEIGHT, size=_weight, pause=PAUSE
        )

    async def take(
        self, news: Sequence[NewEvent], *, received_by: str, submitted_by: str | None = None, refusable: bool = True
    ) -> list[Taken | Exception]:
        """Store events with the decisions about them and the tasks that follow: an outcome for each, in order.

        An outcome is InvalidInput where it can be no event, BacklogFull where too many tasks wait already (nothing of
        that event is stored, so it may be sent again). ``submitted_by`` is the id of the API key, which then sees the
        tasks as its own. Raises StorageUnavailable; what was stored then, a repeat finds.
        """
        arrivals = await self.arrivals(news, received_by=received_by, submitted_by=submitted_by, refusable=refusable)
        if len(arrivals) == 1 and isinstance(arrivals[0], Arrival):
            try:
                return [await self._coalescer.put(arrivals[0])]
            except (BacklogFull, InvalidInput) as error:
                return [error]
        good = [arrival for arrival in arrivals if isinstance(arrival, Arrival)]
        written: list[Taken | Exception] = []
        for chunk in _chunks(good):
            written += await self._write(chunk)
        stored = iter(written)
        return [next(stored) if isinstance(arrival, Arrival) else arrival for arrival in arrivals]

    async def arrivals(
        self, news: Sequence[NewEvent], *, received_by: str, submitted_by: str | None = None, refusable: bool = True
    ) -> list[Arrival | InvalidInput]:
        """The events, decided and ready to be stored, for who stores them together with something else.

        Call ``announce`` once they are stored."""
        if len(news) > MAX_BATCH:
            raise InvalidInput(f"at most {MAX_BATCH} events in one batch, this one has {len(news)}")
        book = await self._rules.book()
        async with self._batch_turn if len(news) > 1 else contextlib.nullcontext():
            found = []
            for index, new in enumerate(news, 1):
                found.append(await self._arrival(book, new, received_by, submitted_by, refusable))
                if index % BREATH == 0:
                    await asyncio.sleep(0)
            return found

    def announce(self, arrivals: Sequence[Arrival], taken: Sequence[Taken | Exception]) -> None:
        """Wake the dispatcher for the tasks that were made."""
        made = {d.task_id for t in taken if isinstance(t, Taken) and not t.replayed for d in t.decisions if d.task_id}
        tasks = (submission.task for arrival in arrivals for submission in arrival.submissions.values())
        if lanes := {task.lane for task in tasks if task.id in made}:
            self._signals.publish(DISPATCH, {"lanes": sorted(lanes)})

    async def _write(self, arrivals: list[Arrival]) -> list[Taken | Exception]:
        taken = await self._store.take(arrivals)
        self.announce(arrivals, taken)
        return taken

    async def _arrival(
        self, book: Rulebook, new: NewEvent, received_by: str, submitted_by: str | None, refusable: bool
    ) -> Arrival | InvalidInput:
        try:
            new.check()
        except InvalidInput as error:
            return error
        now = self._clock.now()
        event = Event.of(new, new_id_at(now), now, received_by)
        rules = book.rules_for(event.type)
        decisions: list[Decision] = []
        submissions: dict[str, Submission] = {}
        values = values_of(event) if rules else None
        for index, rule in enumerate(rules, 1):
            if index % (10 * BREATH) == 0:
                await asyncio.sleep(0)
            assert values is not None
            decision, submission = await self._judge.judge(rule, event, values, submitted_by)
            decisions.append(decision)
            if submission is not None:
                submissions[rule.trigger.name] = submission
        return Arrival(event, tuple(decisions), submissions, refusable)


def _weight(arrival: Arrival) -> int:
    data = len(repr(arrival.event.data))
    return data * (1 + len(arrival.submissions)) + ROW * (1 + len(arrival.decisions) + len(arrival.submissions))


def _chunks(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """What may share a transaction, in order."""
    chunk: list[Arrival] = []
    weight = 0
    for arrival in arrivals:
        weight += (mine := _weight(arrival))
        if chunk and weight > MAX_WEIGHT:
            yield chunk
            chunk, weight = [], mine
        chunk.append(arrival)
    if chunk:
        yield chunk
