"""Limits at work: every kind of scope, rates, weights, live changes, learnt ceilings, and why a task waits."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.limited import Limited
from tradefree.errors import BacklogFull, InvalidInput, NotFound
from tradefree.limits.caps import Mode
from tradefree.limits.scopes import Scope, parse_scope
from tradefree.tasks.states import Status
from tradefree.tasks.task import Pressure


@pytest.fixture
def system() -> Limited:
    return Limited()


# ── scopes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", "nothing", "type:", "everything:x", "worker:x", "ceiling:x"])
def test_an_unknown_scope_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no such scope"):
        parse_scope(text)


async def test_everything_queue_connection_shared_and_type_all_hold(system: Limited) -> None:
    await system.connect(max_running=6)
    await system.limit("everything", max_running=9)
    await system.limit("queue:default", max_running=8)
    await system.limit("limit:shared", max_running=5)
    await system.define("a", connection="bot", limits=("shared",), concurrency={"max_running": 4})
    await system.define("b", connection="bot", limits=("shared",))
    await system.define("c", connection="bot")
    await system.define("d")
    await system.define("e", queue="other")
    await system.worker("w1", 100, ["default", "other"])
    for name in "abcde":
        await system.many(20, name)
    numbers = Counter(system.store._tables.tasks[id_].type for id_ in await system.admitted())
    assert numbers["a"] <= 4
    assert numbers["a"] + numbers["b"] <= 5
    assert sum(numbers[name] for name in "abc") == 6
    assert sum(numbers[name] for name in "abcd") == 8
    assert numbers.total() == 9


async def test_a_shared_limit_over_two_connections(system: Limited) -> None:
    await system.connect("x")
    await system.connect("y")
    await system.limit("limit:model", max_running=3)
    await system.define("a", connection="x", limits=("model",))
    await system.define("b", connection="y", limits=("model",))
    await system.worker("w1", 100)
    await system.many(10, "a")
    await system.many(10, "b")
    assert Counter(system.store._tables.tasks[id_].type for id_ in await system.admitted()) == {"a": 2, "b": 1}


async def test_types_share_by_weight(system: Limited) -> None:
    await system.limit("everything", max_running=8)
    await system.define("heavy", weight=3)
    await system.define("light", weight=1)
    await system.worker("w1", 100)
    await system.many(200, "heavy")
    for key in range(40):
        await system.many(5, "light", concurrency_key=str(key))
    started: Counter[str] = Counter()
    for _ in range(20):
        for id_ in await system.admitted():
            started[system.store._tables.tasks[id_].type] += 1
            await system.end(id_)
    assert started["heavy"] == pytest.approx(3 * started["light"], abs=4)


async def test_many_lanes_of_one_type_do_not_crowd_out_another(system: Limited) -> None:
    await system.limit("everything", max_running=4)
    await system.define("crowd")
    await system.define("lone")
    await system.worker("w1", 100)
    for key in range(300):
        await system.submit("crowd", concurrency_key=str(key))
    await system.admitted()
    lone = await system.submit("lone")
    held = [task.id for task in system.store._tables.tasks.values() if task.holds_slot]
    for id_ in held[:1]:
        await system.end(id_)
    assert await system.admitted() == [lone.id]


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_key_is_an_expression_over_the_input(system: Limited) -> None:
    await system.define(concurrency={"key": "input.customer", "max_running_per_key": 1})
    await system.worker("w1", 100)
    for customer in ("a", "a", "b", 7, 7.0, True):
        await system.submit(input_data={"customer": customer})
    own = await system.submit(input_data={"customer": "a"}, concurrency_key="mine")
    keys = [system.store._tables.tasks[id_].concurrency_key for id_ in await system.admitted()]
    assert sorted(filter(None, keys)) == ["7", "a", "b", "mine", "true"]
    assert own.concurrency_key == "mine", "a key that was given goes before"


@pytest.mark.parametrize(
    ("value", "words"),
    [({}, "no 'customer'"), ({"customer": ["a"]}, "text or a number"), ({"customer": "x" * 300}, "255 are the most")],
)
async def test_an_input_without_a_key_is_refused(system: Limited, value: Any, words: str) -> None:
    await system.define(concurrency={"key": "input.customer"})
    with pytest.raises(InvalidInput, match=words) as caught:
        await system.submit(input_data=value)
    assert caught.value.field == "input_data"


@pytest.mark.parametrize("key", ["input.", "customer", "1 +", "x" * 2000, "input.a.map(x, input.b.map(y, y))"])
async def test_a_bad_expression_is_refused_when_it_is_defined(system: Limited, key: str) -> None:
    with pytest.raises(ValueError, match=r"concurrency\.key"):
        await system.define(concurrency={"key": key})


# ── rates ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_starts_come_at_the_rate_and_the_round_says_when(system: Limited) -> None:
    await system.define(rate="2/s")
    await system.worker("w1", 100)
    await system.many(10)
    began = system.clock.now()
    starts: list[datetime] = []
    while len(starts) < 6:
        result = await system.round()
        starts += [system.clock.now()] * sum(map(len, result.by_worker.values()))
        assert result.next_due is not None
        system.clock.advance((result.next_due - system.clock.now()).total_seconds())
    assert [(at - began).total_seconds() for at in starts] == [0, 0.5, 1.0, 1.5, 2.0, 2.5]


async def test_each_key_has_its_own_rate(system: Limited) -> None:
    await system.define(concurrency={"rate_per_key": "1/m", "burst_per_key": 2})
    await system.worker("w1", 100)
    for key in "ab":
        await system.many(5, concurrency_key=key)
    assert len(await system.admitted()) == 4
    system.clock.advance(59)
    assert await system.admitted() == []
    await system.beat("w1")
    system.clock.advance(1)
    assert len(await system.admitted()) == 2


async def test_a_start_that_was_never_claimed_is_given_back(system: Limited) -> None:
    await system.define(rate="1/h")
    await system.worker("w1", 100)
    first, second = await system.many(2)
    assert await system.admitted() == [first.id]
    await system.control.cancel(first.id)
    assert await system.admitted() == [second.id], "the cancelled one never began"
    await system.claim(second)
    await system.submit()
    assert await system.admitted() == []


async def test_refunds_that_no_rate_wants_do_not_pile_up(system: Limited) -> None:
    await system.define()
    await system.worker("w1", 100)
    (task,) = await system.many(1)
    await system.admitted()
    await system.control.cancel(task.id)
    assert system.store._tables.refunds, "a start that came to nothing"
    await system.admitted()
    assert system.store._tables.refunds
    system.clock.advance(601)
    await system.worker("w2", 100)
    await system.admitted()
    assert not system.store._tables.refunds


async def test_the_next_leader_knows_what_was_started(system: Limited) -> None:
    await system.define(rate="1/h")
    await system.worker("w1", 100)
    await system.many(3)
    assert len(await system.admitted()) == 1
    await system.store.resign("leader")
    system.dispatcher._stand_down()
    await system.dispatcher._lead()
    assert await system.admitted() == []


# ── backlogs ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_submit_beyond_the_backlog_names_the_scope(system: Limited) -> None:
    await system.connect(max_pending=3)
    await system.define(connection="bot")
    await system.many(3)
    with pytest.raises(BacklogFull, match="connection:bot") as caught:
        await system.submit()
    assert caught.value.scope == "connection:bot"


# ── live control ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_change_holds_at_once_and_ends_by_itself(system: Limited) -> None:
    await system.define(concurrency={"max_running": 5})
    await system.worker("w1", 100)
    await system.many(20)
    await system.limiting.change("type:echo", {"max_running": 2}, lasts=60, reason="slow", by="ann")
    assert len(await system.admitted()) == 2
    view = await system.limiting.view()
    assert view.book.caps(Scope("type", "echo")).max_running == 2
    assert view.book.baseline(Scope("type", "echo")).max_running == 5
    await system.beat("w1")
    system.clock.advance(10)
    result = await system.round()
    assert result.next_due == view.book.changes_at, "the round knows when to look again"
    for _ in range(5):
        await system.beat("w1")
        system.clock.advance(10)
    assert len(await system.admitted()) == 3


async def test_a_pause_takes_back_what_has_not_begun(system: Limited) -> None:
    await system.define()
    await system.worker("w1", 100)
    begun, queued, waiting = await system.many(3)
    await system.place(begun, queued)
    await system.claim(begun)
    await system.limiting.set_mode("type:echo", Mode.PAUSED, lasts=None, reason="upgrade", by="ann")
    assert await system.admitted() == []
    assert [await system.status(task) for task in (begun, queued, waiting)] == ["processing", "pending", "pending"]
    assert await system.why(waiting) == [("paused", "type:echo")]
    await system.limiting.set_mode("type:echo", Mode.OPEN, lasts=None, reason="", by="ann")
    assert sorted(await system.admitted()) == sorted([queued.id, waiting.id])


async def test_a_drain_works_off_what_was_admitted(system: Limited) -> None:
    await system.define()
    await system.worker("w1", 100)
    queued, waiting = await system.many(2)
    await system.place(queued)
    await system.limiting.set_mode("everything", Mode.DRAINING, lasts=None, reason="", by="ann")
    assert await system.admitted() == []
    assert [await system.status(task) for task in (queued, waiting)] == ["queued", "pending"]


async def test_one_lane_is_paused_by_its_key(system: Limited) -> None:
    await system.define()
    await system.worker("w1", 100)
    held = await system.submit(concurrency_key="Customer 1")
    free = await system.submit(concurrency_key="customer 1")
    await system.limiting.set_mode("lane:echo/Customer 1", Mode.PAUSED, lasts=None, reason="unpaid", by="ann")
    assert await system.admitted() == [free.id]
    ((kind, _),) = await system.why(held)
    assert kind == "paused"
    (entry,) = await system.store.audit(limit=10)
    assert (entry.actor, entry.action, entry.target) == ("ann", "limit.pause", "lane:echo/Customer 1")


async def test_a_cap_that_is_lifted_and_reset(system: Limited) -> None:
    await system.define(concurrency={"max_running": 1})
    await system.worker("w1", 100)
    await system.many(5)
    await system.limiting.change("type:echo", {"max_running": None}, lasts=None, reason="", by="ann")
    assert len(await system.admitted()) == 5
    await system.limiting.reset("type:echo", by="ann")
    await system.many(1)
    assert await system.admitted() == []
    assert [entry.action for entry in await system.store.audit(limit=9)] == ["limit.reset", "limit.change"]


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("type:nope", NotFound),
        ("connection:nope", NotFound),
        ("limit:nope", NotFound),
        ("queue:nope", NotFound),
        ("lane:nope/1", NotFound),
        ("lane:echo", NotFound),
        ("nope", InvalidInput),
    ],
)
async def test_a_scope_that_is_not_there_cannot_be_changed(system: Limited, scope: str, error: type[Exception]) -> None:
    await system.define()
    with pytest.raises(error):
        await system.limiting.change(scope, {"max_running": 1}, lasts=None, reason="", by="ann")
    assert await system.store.audit(limit=1) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [({"max_running": 0}, "max_running"), ({"max_running": -1}, "max_running"), ({"rate": "x"}, "rate")],
)
async def test_a_bad_cap_is_refused(system: Limited, values: dict[str, Any], field: str) -> None:
    await system.define()
    with pytest.raises(InvalidInput) as caught:
        await system.limiting.change("type:echo", values, lasts=None, reason="", by="ann")
    assert caught.value.field == field


# ── ceilings ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_refusal_lowers_the_ceiling_and_its_tasks_wait(system: Limited) -> None:
    await system.connect(adaptive=True)
    await system.define(connection="bot")
    await system.worker("w1", 100)
    tasks = await system.many(30)
    first = await system.admitted()
    assert len(first) == 10, "of an upstream that nothing is known of, ten at first"
    await system.store.beat("w1", 15, pressure={"bot": Pressure(heard=4, refused=6)})
    assert await system.admitted() == []
    for id_ in first[:6]:
        await system.end(id_)
    assert await system.admitted() == [], "the four that it took have all the places there are"
    standing = await system.store.standing()
    assert standing.ceilings["bot"]["level"] == 4
    assert await system.why(tasks[-1]) == [("ceiling", "connection:bot")]


async def test_the_places_of_a_probe_are_given_one_after_the_other(system: Limited) -> None:
    await system.connect(adaptive=True)
    await system.define(connection="bot")
    await system.worker("w1", 1000)
    await system.many(100)
    in_flight = len(await system.admitted())
    assert await system.admitted() == []
    await system.store.beat("w1", 15, pressure={"bot": Pressure(heard=10)})
    system.clock.advance(1.1)
    added: list[int] = []
    while in_flight + sum(added) < 20:
        added.append(len((result := await system.round()).by_worker["w1"]))
        due = result.next_due or system.clock.now()  # the leader looks again by itself
        system.clock.advance((due - system.clock.now()).total_seconds())
    assert len(added) >= 10
    for _ in range(5):
        system.clock.advance(1)
        await system.beat("w1")
        assert await system.admitted() == [], "twice as many, and no more without a word of them"


async def test_an_upstream_that_is_down_burns_no_attempts(system: Limited) -> None:
    await system.connect(adaptive=True)
    await system.define(connection="bot")
    await system.worker("w1", 100)
    tasks = await system.many(30)
    first = await system.admitted()
    await system.store.beat("w1", 15, pressure={"bot": Pressure(down=10)})
    for id_ in first:
        await system.end(id_)
    assert await system.admitted() == []
    assert await system.why(tasks[-1]) == [("down", "connection:bot")]
    system.clock.advance(1.5)
    (probe,) = await system.admitted()
    await system.store.beat("w1", 15, pressure={"bot": Pressure(down=10, heard=1)})
    await system.end(probe)
    assert len(await system.admitted()) >= 1


# ── why ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_holds_the_places_and_the_place_in_line(system: Limited) -> None:
    await system.limit("everything", max_running=3)
    await system.define("a")
    await system.define("b")
    await system.worker("w1", 100)
    await system.many(2, "a")
    await system.many(9, "b")
    await system.admitted()
    last = await system.submit("b")
    waiting = await system.limiting.why(last)
    (hold,) = waiting.holds
    assert (hold.kind, hold.scope, hold.in_use, hold.places) == ("full", "everything", 3, 3)
    assert sum(hold.held_by.values()) == 3
    assert (
        waiting.ahead
        == sum(task.status is Status.PENDING and task.type == "b" for task in system.store._tables.tasks.values()) - 1
    )


async def test_a_queue_without_a_worker_is_named(system: Limited) -> None:
    await system.define(queue="slow")
    await system.worker("w1", 1)
    task = await system.submit()
    assert await system.why(task) == [("no_worker", "queue:slow")]
    later = await system.submit(delay=60)
    assert await system.why(later) == [("later", "task")]


async def test_a_queue_without_a_worker_is_warned_of_now_and_then(system: Limited) -> None:
    await system.define(queue="slow")
    await system.worker("w1", 1)
    await system.submit()
    with capture_logs() as logged:
        for _ in range(3):
            await system.admitted()
        system.clock.advance(61)
        await system.beat("w1")
        await system.admitted()
    assert [line["queue"] for line in logged if line["log_level"] == "warning"] == ["slow", "slow"]
