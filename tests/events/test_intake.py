"""The one way in: what is checked, decided, stored and announced."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.system import System
from tradefree.errors import BacklogFull, InvalidInput, StorageUnavailable
from tradefree.events.decide import Outcome
from tradefree.events.event import NewEvent
from tradefree.events.ports import EventFilter, Taken
from tradefree.events.trigger import Trigger
from tradefree.ids import new_id
from tradefree.limits.caps import Caps
from tradefree.limits.scopes import EVERYTHING
from tradefree.tasks.catalog import MAX_AGE
from tradefree.tasks.ports import DISPATCH, Entry, TaskFilter
from tradefree.tasks.task import lane_of

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def new(id_: str = "1", **values: Any) -> NewEvent:
    return NewEvent(**({"id": id_, "source": "/shop", "type": "order.created", "data": {"order": id_}} | values))


async def rule(system: System, name: str = "rule", **values: Any) -> None:
    fields = {"name": name, "event": "order.*", "task_type": "echo"} | values
    entry = Entry(new_id(), system.clock.now(), "ann", "trigger.put", f"trigger:{name}")
    await system.store.put_trigger(Trigger.model_validate(fields), entry)
    system.rules.forget()


async def take(system: System, *news: NewEvent, **how: Any) -> list[Taken | Exception]:
    return await system.intake.take(news, received_by="key:ann", **how)


async def took(system: System, *news: NewEvent, **how: Any) -> list[Taken]:
    outcomes = await take(system, *news, **how)
    assert all(isinstance(outcome, Taken) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Taken)]


async def test_an_event_makes_a_task(system: System) -> None:
    await system.define()
    await rule(
        system,
        input={"order": "event.data.order"},
        key="event.data.order",
        priority=3,
        labels={"from": "event.source"},
    )
    (taken,) = await took(system, new("SO-1", attributes={"traceparent": TRACE}), submitted_by="ann")
    (decision,) = taken.decisions
    assert decision.outcome is Outcome.MADE
    task = await system.store.task(str(decision.task_id))
    assert task is not None
    assert (task.input_data, task.concurrency_key, task.priority) == ({"order": "SO-1"}, "SO-1", 3)
    assert (task.labels, task.submitted_by) == ({"from": "/shop"}, "ann")
    assert (task.event_id, task.traceparent) == (taken.event.id, TRACE)
    assert taken.event.received_by == "key:ann"
    assert system.signals.on(DISPATCH) == [{"lanes": [lane_of("echo", "SO-1")]}]


async def test_many_rules_many_tasks_and_only_those_that_look_decide(system: System) -> None:
    await system.define()
    for name, pattern in (("b", "order.created"), ("a", "order.*"), ("all", "*"), ("not", "order.paid"), ("no", "o")):
        await rule(system, name, event=pattern)
    (taken,) = await took(system, new())
    assert [decision.trigger for decision in taken.decisions] == ["a", "all", "b"]
    assert len(await system.store.tasks_of(taken.event.id)) == 3


async def test_an_event_that_nobody_looks_at_is_kept(system: System) -> None:
    (taken,) = await took(system, new())
    assert taken.decisions == ()
    assert await system.store.event(taken.event.id) == taken.event
    assert system.signals.on(DISPATCH) == []


async def test_the_same_event_again_is_answered_with_the_first(system: System) -> None:
    await system.define()
    await rule(system)
    (first,) = await took(system, new())
    await rule(system, "later")
    again, other = await took(system, new(data="other"), new("2"))
    assert (again.event, again.decisions, again.replayed) == (first.event, first.decisions, True)
    assert (len(other.decisions), other.replayed) == (2, False)
    assert len(system.signals.on(DISPATCH)) == 2


async def test_what_fails_is_kept_and_harms_nobody(system: System) -> None:
    await system.define("strict", input_schema={"type": "object", "required": ["order"]})
    await system.define("keyed", concurrency={"key": "input.customer"})
    await system.define("echo")
    await rule(system, "a-filter", filter="event.data.missing > 1")
    await rule(system, "b-input", input={"x": "event.data.missing"})
    await rule(system, "c-schema", task_type="strict", input={"other": "1"})
    await rule(system, "d-key", task_type="keyed", input={"other": "1"})
    await rule(system, "f-good")
    (taken,) = await took(system, new())
    told = {decision.trigger: (decision.outcome, decision.part) for decision in taken.decisions}
    assert told == {
        "a-filter": (Outcome.FAILED, "filter"),
        "b-input": (Outcome.FAILED, "input/x"),
        "c-schema": (Outcome.FAILED, "input"),
        "d-key": (Outcome.FAILED, "input"),
        "f-good": (Outcome.MADE, ""),
    }
    reasons = {decision.trigger: decision.reason for decision in taken.decisions}
    assert "there is no 'missing'" in reasons["a-filter"]
    assert "order" in reasons["c-schema"]
    assert len(await system.store.tasks_of(taken.event.id)) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"id": ""}, "id"),
        ({"source": "x" * 501}, "source"),
        ({"type": "a\nb"}, "type"),
        ({"subject": ""}, "subject"),
        ({"attributes": {"Upper": "x"}}, "Upper"),
        ({"attributes": {"source": "x"}}, "source"),
        ({"attributes": {"big": 2**31}}, "big"),
        ({"attributes": {f"a{n}": "x" for n in range(51)}}, ""),
        ({"data": "x" * 1_000_000}, "data"),
        ({"data": object()}, "data"),
    ],
)
async def test_what_can_be_no_event(system: System, values: dict[str, Any], field: str) -> None:
    bad, good = await take(system, new(**values), new("2"))
    assert isinstance(bad, InvalidInput)
    assert bad.field == field
    assert isinstance(good, Taken)
    (alone,) = await take(system, new(**values))
    assert isinstance(alone, InvalidInput)


async def test_a_full_backlog_refuses_the_event_or_the_task(system: System) -> None:
    await system.define()
    await rule(system)
    await system.store.put_baseline(EVERYTHING, Caps(max_pending=1))
    system.catalog.forget()
    first, second = await take(system, new("1"), new("2"))
    assert isinstance(first, Taken)
    assert isinstance(second, BacklogFull)
    (alone,) = await take(system, new("2"))
    assert isinstance(alone, BacklogFull)
    (kept,) = await took(system, new("2"), refusable=False)
    assert kept.decisions[0].outcome is Outcome.REFUSED
    assert len(await system.store.find(TaskFilter(), limit=10)) == 1


async def test_events_that_come_together_share_a_transaction(system: System) -> None:
    await system.define()
    await rule(system)
    seen: list[int] = []
    store = system.store.take

    async def counted(arrivals: Any) -> Any:
        seen.append(len(arrivals))
        return await store(arrivals)

    system.store.take = counted  # type: ignore[method-assign]
    await asyncio.gather(*(took(system, new(str(n))) for n in range(50)))
    assert sum(seen) == 50
    assert len(seen) <= 25


async def test_a_thousand_rules_do_not_make_one_long_transaction(system: System) -> None:
    await system.define()
    for number in range(100):
        await rule(system, f"rule-{number}", filter="false")
    seen: list[int] = []
    store = system.store.take

    async def counted(arrivals: Any) -> Any:
        seen.append(len(arrivals))
        return await store(arrivals)

    system.store.take = counted  # type: ignore[method-assign]
    await took(system, *(new(str(n)) for n in range(200)))
    assert sum(seen) == 200
    assert len(seen) > 3


async def test_too_many_at_once(system: System) -> None:
    with pytest.raises(InvalidInput, match="at most 1000"):
        await take(system, *(new(str(n)) for n in range(1001)))


async def test_a_rule_changed_elsewhere_holds_soon(system: System) -> None:
    await system.define()
    await took(system, new("1"))
    entry = Entry(new_id(), system.clock.now(), "ann", "trigger.put", "trigger:rule")
    await system.store.put_trigger(Trigger(name="rule", event="*", task_type="echo"), entry)
    assert (await took(system, new("2")))[0].decisions == ()
    system.clock.advance(MAX_AGE)
    assert len((await took(system, new("3")))[0].decisions) == 1


async def test_a_rule_that_was_disabled_decides_nothing(system: System) -> None:
    await system.define()
    await rule(system, enabled=False)
    (taken,) = await took(system, new())
    assert taken.decisions == ()


async def test_a_rule_that_fails_for_ever_is_disabled_and_its_events_stay(system: System) -> None:
    await system.define()
    await rule(system, input="event.data.missing")
    for number in range(25):
        system.clock.advance(MAX_AGE)
        await took(system, new(str(number)))
    (kept,) = (await system.store.triggers())[1]
    assert not kept.trigger.enabled
    assert len(await system.store.decisions_of("rule", limit=100)) == 20
    assert len(await system.store.events(EventFilter(), limit=100)) == 25


async def test_without_a_database_nothing_is_taken(system: System) -> None:
    await system.define()
    await took(system, new("1"))
    system.store.away = True
    with pytest.raises(StorageUnavailable):
        await take(system, new("2"))
    with pytest.raises(StorageUnavailable):
        await take(system, new("2"), new("3"))
