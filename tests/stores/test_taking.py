"""Events in the store: what was taken is stored with its decisions and tasks, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.errors import BacklogFull
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event, NewEvent
from tradefree.events.ports import Arrival, EventFilter, Taken
from tradefree.ids import new_id_at
from tradefree.limits.scopes import EVERYTHING
from tradefree.tasks.ports import Backlog, Submission, TaskFilter
from tradefree.tasks.task import Json
from tradefree.testing.clock import FrozenClock

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Raised:
    """Makes arrivals as the intake does."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def event(self, id_: str = "1", **values: Any) -> Event:
        new = NewEvent(**({"id": id_, "source": "/shop", "type": "order.created"} | values))
        now = self._acts.clock.now()
        return Event.of(new, new_id_at(now), now, "key:someone")

    def arrival(self, id_: str = "1", *triggers: str, most: int | None = None, **values: Any) -> Arrival:
        """An event of which these triggers make a task each, while fewer than ``most`` tasks wait."""
        refusable = values.pop("refusable", True)
        event = self.event(id_, **values)
        tasks = {name: self._acts.task(event_id=event.id, input_data={"by": name}) for name in triggers}
        decisions = tuple(
            Decision(name, 3, Outcome.MADE, conditions=(True,), task_id=task.id) for name, task in tasks.items()
        )
        backlogs = (Backlog(EVERYTHING, most),) if most is not None else ()
        made = {name: Submission(task, backlogs=backlogs) for name, task in tasks.items()}
        return Arrival(event, decisions, made, refusable)


@pytest.fixture
def raised(acts: Acts) -> Raised:
    return Raised(acts)


def taken(outcome: Taken | Exception) -> Taken:
    assert isinstance(outcome, Taken), outcome
    return outcome


async def task_ids(store: AnyStore) -> set[str]:
    return {task.id for task in await store.find(TaskFilter(), limit=5000)}


async def test_everything_about_an_event_comes_back(raised: Raised, store: AnyStore) -> None:
    event = raised.event(
        "Ünï-1",
        subject="orders/1 订单",
        time=datetime(2026, 3, 29, 1, 59, 59, 123_456, tzinfo=timezone(timedelta(hours=8))),
        data={"z": 1, "a": [None, 1.5, "订单", True]},
        attributes={"datacontenttype": "application/json", "traceparent": TRACE, "rush": True, "weight": 7},
    )
    await store.take([Arrival(event)])
    found = await store.event(event.id)
    assert found == event
    assert found is not None
    assert (found.traceparent, list(found.data)) == (TRACE, ["z", "a"])
    assert found.received_at.utcoffset() == timedelta(0)
    without = await store.event(event.id, payloads=False)
    assert without == replace(event, data=None)


@pytest.mark.parametrize("data", [None, {}, [], 0, "", False, "text", {"deep": {"a": [1]}}], ids=repr)
async def test_any_data(raised: Raised, store: AnyStore, data: Json) -> None:
    event = raised.event(data=data)
    await store.take([Arrival(event)])
    assert await store.event(event.id) == event


async def test_binary_data_says_so(raised: Raised, store: AnyStore) -> None:
    event = raised.event(data="aGk=", binary=True)
    await store.take([Arrival(event)])
    assert await store.event(event.id) == event


async def test_an_event_its_decisions_and_its_tasks_are_stored_together(
    raised: Raised, acts: Acts, store: AnyStore
) -> None:
    arrival = raised.arrival("1", "first", "second")
    no = Decision("third", 1, Outcome.NO_MATCH, "filter", conditions=(True, False))
    failed = Decision("zz", 2, Outcome.FAILED, "input/a", "event.data.a: there is no 'a' ä", ("no value",))
    arrival = replace(arrival, decisions=(*arrival.decisions, no, failed))
    (outcome,) = await store.take([arrival])
    assert outcome == Taken(arrival.event, arrival.decisions, replayed=False)
    assert (await store.decisions([arrival.event.id])) == {arrival.event.id: list(arrival.decisions)}
    made = [submission.task for submission in arrival.submissions.values()]
    assert await task_ids(store) == {task.id for task in made}
    for task in made:
        assert await acts.see(task) == task
        assert len(await store.logs(task.id, limit=10)) == 1
    assert [task.id for task in await store.tasks_of(arrival.event.id)] == sorted(task.id for task in made)


async def test_no_arrivals_no_outcomes(store: AnyStore) -> None:
    assert await store.take([]) == []


async def test_the_same_source_and_id_is_the_same_event(raised: Raised, store: AnyStore) -> None:
    first = raised.arrival("1", "rule", data={"n": 1})
    await store.take([first])
    (again,) = await store.take([raised.arrival("1", "rule", "another", data={"n": 2})])
    assert again == Taken(first.event, first.decisions, replayed=True)
    assert await task_ids(store) == {first.decisions[0].task_id}
    assert len(await store.events(EventFilter(), limit=10)) == 1


async def test_another_source_or_id_is_another_event(raised: Raised, store: AnyStore) -> None:
    arrivals = [
        raised.arrival("1", "rule"),
        raised.arrival("1", "rule", source="/other"),
        raised.arrival("2", "rule"),
        raised.arrival("É", "rule"),
        raised.arrival("é", "rule"),
        raised.arrival("é ", "rule"),
    ]
    assert not any(taken(outcome).replayed for outcome in await store.take(arrivals))
    assert len(await task_ids(store)) == len(arrivals)


async def test_twice_in_one_call(raised: Raised, store: AnyStore) -> None:
    first, second = raised.arrival("1", "rule"), raised.arrival("1", "rule")
    outcomes = await store.take([first, raised.arrival("2", "rule"), second])
    assert [taken(outcome).replayed for outcome in outcomes] == [False, False, True]
    assert taken(outcomes[2]).event.id == first.event.id
    assert len(await task_ids(store)) == 2


async def test_a_repeated_unit_stores_nothing_twice(raised: Raised, store: AnyStore) -> None:
    """Nobody knows whether a commit that was not answered took place, so the same unit is sent again."""
    arrivals = [raised.arrival("1", "rule"), raised.arrival("2", "rule")]
    first = await store.take(arrivals)
    second = await store.take(arrivals)
    assert [taken(o).event.id for o in second] == [taken(o).event.id for o in first]
    assert [taken(o).decisions for o in second] == [taken(o).decisions for o in first]
    assert len(await task_ids(store)) == 2


async def test_the_same_events_at_the_same_time(raised: Raised, store: AnyStore) -> None:
    """In other orders, other batches: each makes its task once, and everybody hears of the same one."""

    async def take(ids: list[int]) -> list[Taken]:
        outcomes = await store.take([raised.arrival(str(id_), "rule") for id_ in ids])
        return [taken(outcome) for outcome in outcomes]

    batches = [list(range(40)), list(range(39, -1, -1)), list(range(0, 40, 2)), list(range(20, 60)), [5], [5]]
    heard = [taken for batch in await asyncio.gather(*map(take, batches)) for taken in batch]
    made: dict[str, set[str | None]] = {}
    for each in heard:
        made.setdefault(each.event.event_id, set()).add(each.decisions[0].task_id)
    assert all(len(tasks) == 1 for tasks in made.values())
    assert await task_ids(store) == {task for tasks in made.values() for task in tasks}
    assert len(made) == len([each for each in heard if not each.replayed]) == 60


async def test_one_that_cannot_be_stored_leaves_nothing_of_its_batch(raised: Raised, store: AnyStore) -> None:
    bad = raised.arrival("2", "rule", data={"x": object()})
    with pytest.raises(Exception, match=r"(?i)json|serializable"):
        await store.take([raised.arrival("1", "rule"), bad])
    assert await store.events(EventFilter(), limit=10) == []
    assert await task_ids(store) == set()


# ── a full backlog ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_full_backlog_refuses_the_whole_event(raised: Raised, acts: Acts, store: AnyStore) -> None:
    await acts.submitted()
    outcomes = await store.take(
        [raised.arrival("1", "a", "b", most=2), raised.arrival("2", "a", most=2), raised.arrival("3")]
    )
    assert isinstance(outcomes[0], BacklogFull)
    assert [taken(outcome).event.event_id for outcome in outcomes[1:]] == ["2", "3"]
    assert {event.event_id for event in await store.events(EventFilter(), limit=10)} == {"2", "3"}
    assert len(await task_ids(store)) == 2, "what was refused takes no room"
    (later,) = await store.take([raised.arrival("1", "a", "b", most=4)])
    assert not taken(later).replayed


async def test_a_full_backlog_is_a_decision_where_nobody_repeats(raised: Raised, store: AnyStore) -> None:
    arrival = raised.arrival("1", "a", "b", most=1, refusable=False)
    (outcome,) = await store.take([arrival])
    made, refused = taken(outcome).decisions
    assert (made.outcome, refused.outcome, refused.task_id) == (Outcome.MADE, Outcome.REFUSED, None)
    assert "max_pending is 1" in refused.reason
    assert await task_ids(store) == {made.task_id}
    assert (await store.decisions([arrival.event.id]))[arrival.event.id] == [made, refused]


async def test_a_known_event_needs_no_room(raised: Raised, store: AnyStore) -> None:
    first = raised.arrival("1", "a", most=1)
    await store.take([first])
    (again,) = await store.take([raised.arrival("1", "a", most=1)])
    assert again == Taken(first.event, first.decisions, replayed=True)


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_events_are_found(raised: Raised, store: AnyStore, clock: FrozenClock) -> None:
    def event(id_: str, type_: str, **values: Any) -> Event:
        clock.advance(1)
        return raised.event(id_, type=type_, **values)

    events = [
        event("1", "order.created", source="/a"),
        event("2", "order.paid", subject="7"),
        event("3", "orders"),
        replace(event("4", "Order.created"), received_by="hook:shop"),
    ]
    await store.take([Arrival(each) for each in events])

    async def found(limit: int = 10, before: str | None = None, **wanted: Any) -> str:
        some = await store.events(EventFilter(**wanted), limit=limit, before_id=before)
        return "".join(each.event_id for each in some)

    assert await found() == "4321"
    assert await found(limit=2) == "43"
    assert await found(before=events[2].id) == "21"
    assert await found(type="order.created") == "1"
    assert await found(type="order.*") == "21"
    assert await found(type="order*") == "321"
    assert await found(type="*") == "4321"
    assert await found(source="/a") == "1"
    assert await found(subject="7") == "2"
    assert await found(received_by="hook:shop") == "4"
    assert await found(received_after=events[2].received_at) == "43"
    assert await found(received_before=events[2].received_at) == "21"
    assert await found(received_after=events[1].received_at, received_before=events[3].received_at) == "32"
    (first,) = await store.events(EventFilter(source="/a"), limit=1, payloads=False)
    assert first == events[0]


async def test_the_decisions_of_a_trigger(raised: Raised, store: AnyStore, clock: FrozenClock) -> None:
    arrivals = []
    for id_ in ("1", "2", "3"):
        clock.advance(1)
        arrivals.append(raised.arrival(id_, "a", "b"))
    await store.take(arrivals)
    newest = await store.decisions_of("a", limit=2)
    assert newest == [(arrivals[n].event.id, arrivals[n].decisions[0]) for n in (2, 1)]
    assert await store.decisions_of("a", limit=2, before_id=newest[-1][0]) == [
        (arrivals[0].event.id, arrivals[0].decisions[0])
    ]
    assert await store.decisions_of("none", limit=2) == []


async def test_nothing_is_known_of_what_is_not_there(store: AnyStore) -> None:
    nobody = "019bdf3c-5a6e-7c02-9d3e-0d1c2b3a4f5e"
    assert await store.event(nobody) is None
    assert await store.event("ünknown ") is None
    assert await store.decisions([nobody]) == {}
    assert await store.decisions([]) == {}
    assert await store.tasks_of(nobody) == []
