"""Triggers in the store: versions, who changed what, and those that fail again and again."""

from __future__ import annotations

from typing import Any

import pytest

from stores.engines import AnyStore
from stores.test_taking import Raised, raised
from tradefree.errors import Conflict, InvalidInput, NotFound, Stale
from tradefree.events.decide import DISABLE_AFTER, Decision, Outcome
from tradefree.events.ports import Arrival, EventFilter
from tradefree.events.trigger import Kept, Streak, Trigger
from tradefree.tasks.ports import Entry
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock

__all__ = ["raised"]


def a_trigger(name: str = "big-orders", **values: Any) -> Trigger:
    return Trigger.model_validate({"name": name, "event": "order.*", "task_type": "echo"} | values)


class Rules:
    """Defines triggers as ann."""

    def __init__(self, store: AnyStore, clock: FrozenClock) -> None:
        self.store = store
        self.clock = clock

    def entry(self, name: str, action: str = "trigger.put") -> Entry:
        return Entry.new(self.clock.now(), "ann", action, f"trigger:{name}", {"said": "yes"})

    async def put(self, name: str = "big-orders", *, version: int | None = None, **values: Any) -> Kept | None:
        return await self.store.put_trigger(a_trigger(name, **values), self.entry(name), version=version)

    async def only(self) -> Kept:
        (kept,) = (await self.store.triggers())[1]
        return kept


@pytest.fixture
async def rules(store: AnyStore, clock: FrozenClock) -> Rules:
    await store.put_task_type(TaskType(name="echo", runner="echo"))
    return Rules(store, clock)


async def test_everything_about_a_trigger_comes_back(rules: Rules, store: AnyStore, clock: FrozenClock) -> None:
    before = await store.config_version()
    trigger = a_trigger(
        filter="event.data.amount > 100 && event.data.name != '订单'",
        input={"order": "event.data.order", "limit": 5, "deep": {"list": ["event.id", None, True]}},
        key="event.subject",
        priority=-7,
        delay="10m",
        labels={"shop": "event.data.shop"},
        description="für große Bestellungen",
        enabled=False,
    )
    kept = await store.put_trigger(trigger, rules.entry("big-orders"))
    assert kept == Kept(trigger, 1, clock.now(), "ann")
    assert await store.triggers() == (before + 1, [kept])


async def test_versions_go_up_and_stay(rules: Rules, store: AnyStore, clock: FrozenClock) -> None:
    first, second = await rules.put(), await rules.put(priority=1)
    assert await rules.put(priority=1) is None, "nothing changed"
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == (1, 2)
    await store.delete_trigger("big-orders", rules.entry("big-orders", "trigger.delete"))
    assert (await store.triggers())[1] == []
    again = await rules.put()
    assert again is not None
    assert again.version == 4, "the third is that it was deleted"
    versions = await store.versions_of("big-orders", limit=10)
    assert [(v.version, v.trigger and v.trigger.priority, v.by) for v in versions] == [
        (4, 0, "ann"),
        (3, None, "ann"),
        (2, 1, "ann"),
        (1, 0, "ann"),
    ]
    assert len(await store.versions_of("big-orders", limit=2)) == 2
    pairs = [("big-orders", 1), ("big-orders", 99), ("none", 1)]
    assert await store.trigger_versions(pairs) == {("big-orders", 1): versions[-1]}
    assert await store.trigger_versions([]) == {}
    actions = [line.action for line in await store.audit(limit=10, target="trigger:big-orders")]
    assert actions == ["trigger.put", "trigger.delete", "trigger.put", "trigger.put"]


async def test_a_version_that_was_not_seen_is_not_overwritten(rules: Rules, store: AnyStore) -> None:
    with pytest.raises(Stale, match="is not there, not 1"):
        await rules.put(version=1)
    await rules.put(version=0)
    with pytest.raises(Stale, match="has version 1, not 0"):
        await rules.put(version=0, priority=1)
    await rules.put(version=1, priority=1)
    with pytest.raises(Stale, match="has version 2, not 1"):
        await rules.put(version=1, priority=2)
    with pytest.raises(Stale, match="has version 2, not 1"):
        await store.delete_trigger("big-orders", rules.entry("big-orders"), version=1)
    assert (await rules.only()).trigger.priority == 1
    await store.delete_trigger("big-orders", rules.entry("big-orders"), version=2)


async def test_a_trigger_needs_its_task_type(rules: Rules, store: AnyStore) -> None:
    with pytest.raises(InvalidInput, match="unknown task type 'nobody'") as caught:
        await rules.put(task_type="nobody")
    assert caught.value.field == "task_type"
    await rules.put()
    with pytest.raises(Conflict, match="used by the triggers big-orders"):
        await store.delete_task_type("echo")
    await store.delete_trigger("big-orders", rules.entry("big-orders"))
    await store.delete_task_type("echo")


@pytest.mark.parametrize("name", ["none", "ünknown", "x "])
async def test_what_is_not_there_cannot_be_deleted(rules: Rules, store: AnyStore, name: str) -> None:
    await rules.put("x")
    with pytest.raises(NotFound, match="no trigger"):
        await store.delete_trigger(name, rules.entry("x"))
    assert await store.versions_of(name, limit=1) == []


# ── failing for ever ────────────────────────────────────────────────────────────────────────────────────────────────


class Deciding:
    """Stores events about which the trigger has decided."""

    def __init__(self, raised: Raised, store: AnyStore) -> None:
        self._raised = raised
        self._store = store
        self._number = 0

    async def __call__(
        self, *outcomes: Outcome, version: int = 1, part: str = "input/a", together: bool = True
    ) -> None:
        arrivals = [self._arrival(outcome, version, part) for outcome in outcomes]
        for some in [arrivals] if together else [[arrival] for arrival in arrivals]:
            await self._store.take(some)

    def _arrival(self, outcome: Outcome, version: int, part: str) -> Arrival:
        self._number += 1
        if outcome is Outcome.MADE:
            arrival = self._raised.arrival(str(self._number), "big-orders")
            made = Decision("big-orders", version, outcome, task_id=arrival.decisions[0].task_id)
            return Arrival(arrival.event, (made,), arrival.submissions)
        return Arrival(self._raised.event(str(self._number)), (Decision("big-orders", version, outcome, part, "No."),))


@pytest.fixture
def decided(raised: Raised, store: AnyStore) -> Deciding:
    return Deciding(raised, store)


@pytest.mark.parametrize("together", [True, False])
async def test_a_trigger_that_always_fails_is_disabled(
    rules: Rules, decided: Deciding, store: AnyStore, together: bool
) -> None:
    await rules.put()
    await decided(*[Outcome.FAILED] * (DISABLE_AFTER - 1), together=together)
    assert await rules.only() == Kept(a_trigger(), 1, rules.clock.now(), "ann", Streak(DISABLE_AFTER - 1, "input/a"))
    before = await store.config_version()
    await decided(Outcome.FAILED)
    kept = await rules.only()
    assert (kept.trigger, kept.version, kept.updated_by) == (a_trigger(enabled=False), 2, "system")
    assert kept.reason == "failed 20 times in a row, the last time in input/a; its decisions say how"
    assert await store.config_version() == before + 1
    version, _ = await store.versions_of("big-orders", limit=2)
    assert (version.version, version.reason, version.by) == (2, kept.reason, "system")
    line, _ = await store.audit(limit=2)
    assert (line.action, line.target, line.actor) == ("trigger.disable", "trigger:big-orders", "system")
    await decided(*[Outcome.FAILED] * 50)
    assert (await rules.only()).version == 2, "decisions of the version before count for nothing"
    assert len(await store.events(EventFilter(), limit=100)) == DISABLE_AFTER + 50, "every event is kept"


async def test_enabled_again_it_starts_anew(rules: Rules, decided: Deciding) -> None:
    await rules.put()
    await decided(*[Outcome.FAILED] * DISABLE_AFTER)
    assert not (await rules.only()).trigger.enabled
    await rules.put()
    kept = await rules.only()
    assert (kept.trigger.enabled, kept.version, kept.streak, kept.reason) == (True, 3, Streak(), "")
    await decided(Outcome.FAILED, version=3)
    assert (await rules.only()).streak == Streak(1, "input/a")


async def test_a_task_ends_the_row(rules: Rules, decided: Deciding) -> None:
    await rules.put()
    for _ in range(3):
        await decided(*[Outcome.FAILED] * (DISABLE_AFTER - 1))
        await decided(Outcome.NO_MATCH, Outcome.REFUSED)
        assert (await rules.only()).streak.number == DISABLE_AFTER - 1
        await decided(Outcome.MADE)
        assert (await rules.only()).streak == Streak()
    await decided(Outcome.FAILED, Outcome.FAILED, Outcome.MADE, Outcome.FAILED)
    assert (await rules.only()).streak == Streak(1, "input/a")


async def test_a_filter_that_works_again_ends_the_row_of_its_failures(rules: Rules, decided: Deciding) -> None:
    await rules.put()
    await decided(*[Outcome.FAILED] * 5, part="filter")
    await decided(Outcome.NO_MATCH)
    assert (await rules.only()).streak == Streak()


async def test_failures_of_what_is_gone_or_disabled(rules: Rules, decided: Deciding, store: AnyStore) -> None:
    await decided(*[Outcome.FAILED] * DISABLE_AFTER)
    await rules.put(enabled=False)
    await decided(*[Outcome.FAILED] * DISABLE_AFTER)
    kept = await rules.only()
    assert (kept.version, kept.reason) == (1, "")
