"""What monitoring is told: waits by reason, queues, and how long a task that came now would wait."""

from __future__ import annotations

from collections import Counter

import pytest

from domain.limited import Limited
from tradefree.limits.caps import Mode
from tradefree.limits.scopes import Scope
from tradefree.tasks.measure import Measuring, Picture, QueueState, predicted_wait
from tradefree.tasks.why import Hold, View


@pytest.fixture
async def system() -> Limited:
    system = Limited()
    await system.define("echo")
    return system


async def picture(system: Limited) -> Picture:
    system.catalog.forget()
    return await Measuring(system.store, system.catalog, system.clock).picture()


async def waits(system: Limited) -> dict[str, int]:
    return {kind: number for (_, kind), number in (await picture(system)).waits.items()}


async def queue(system: Limited, name: str = "default") -> QueueState:
    return (await picture(system)).queues[name]


# ── waits by reason ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_waits(system: Limited) -> None:
    assert await waits(system) == {}
    assert await queue(system) == QueueState()


async def test_no_worker(system: Limited) -> None:
    await system.many(3)
    assert await waits(system) == {"no_worker": 3}


async def test_workers_that_are_full(system: Limited) -> None:
    await system.worker(capacity=2)
    await system.many(5)
    await system.admitted()
    assert await waits(system) == {"workers_full": 3}


async def test_a_turn_that_is_to_come(system: Limited) -> None:
    await system.worker(capacity=9)
    await system.many(2)
    assert await waits(system) == {"turn": 2}


async def test_a_full_limit_goes_before_missing_workers(system: Limited) -> None:
    await system.worker(capacity=1)
    await system.limit("queue:default", max_running=1)
    await system.many(4)
    await system.admitted()
    assert await waits(system) == {"full": 3}


async def test_a_pause(system: Limited) -> None:
    await system.worker()
    await system.limiting.set_mode("type:echo", Mode.PAUSED, lasts=None, reason="", by="me")
    await system.many(2)
    assert await waits(system) == {"paused": 2}


async def test_keys_without_room_are_told_from_those_that_have_it(system: Limited) -> None:
    await system.worker(capacity=9)
    await system.define("keyed", concurrency={"key": "input.k", "max_running_per_key": 1})
    for n in (1, 1, 1, 2):
        await system.submit("keyed", input_data={"k": n})
    await system.admitted()
    assert await waits(system) == {"key": 2}
    await system.submit("keyed", input_data={"k": 3})
    assert await waits(system) == {"key": 2, "turn": 1}


async def test_a_type_that_is_gone(system: Limited) -> None:
    await system.submit()
    del system.store._tables.task_types["echo"]
    system.store._tables.config_version += 1
    found = await picture(system)
    assert dict(found.waits) == {("", "undefined"): 1}


# ── queues ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_queue_and_its_workers(system: Limited) -> None:
    await system.define("heavy", queue="gpu")
    await system.worker("w1", capacity=2)
    await system.worker("w2", capacity=3, queues=("default", "gpu"))
    await system.many(7)
    await system.admitted()
    system.clock.advance(4)
    await system.beat("w1", "w2")
    state = await queue(system)
    assert (state.waiting, state.in_flight, state.workers, state.places) == (2, 5, 2, 5)
    assert state.oldest == 4
    gpu = await queue(system, "gpu")
    assert (gpu.workers, gpu.places, gpu.oldest) == (1, 3, 0)


async def test_the_wait_follows_from_how_long_attempts_take(system: Limited) -> None:
    await system.worker(capacity=2)
    await system.many(12)
    for task_id in await system.admitted():
        await system.claim(system.store._tables.tasks[task_id])
    system.clock.advance(10)
    await system.beat("w1")
    assert (await queue(system)).predicted == pytest.approx(10 * 10 / 2)


async def test_what_a_limit_holds_calls_for_no_worker(system: Limited) -> None:
    await system.worker(capacity=2)
    await system.limit("queue:default", max_running=5)
    await system.many(50)
    await system.admitted()
    state = await queue(system)
    assert (state.waiting, state.startable) == (48, 3)
    await system.limit("queue:default", max_running=2)
    state = await queue(system)
    assert (state.startable, state.predicted) == (0, 0)


@pytest.mark.parametrize(
    ("startable", "seconds", "places", "taken", "wait"),
    [
        ({}, {}, 0, 0, 0.0),
        ({"a": 3}, {"a": 8.0}, 10, 7, 0.0),
        ({"a": 10}, {"a": 8.0}, 10, 10, 8.0),
        ({"a": 10}, {"a": 8.0}, 10, 5, 4.0),
        ({"a": 10, "b": 10}, {"a": 1.0}, 10, 10, 2.0),
        ({"a": 10}, {}, 10, 10, 1.0),
        ({"a": 10}, {"a": 8.0}, 0, 0, 80.0),
        ({}, {"a": 8.0}, 10, 15, 0.5),
    ],
    ids=["idle", "free places", "full", "half free", "unknown type", "nothing known", "no worker", "at hand"],
)
def test_the_predicted_wait(
    startable: dict[str, int], seconds: dict[str, float], places: int, taken: int, wait: float
) -> None:
    assert predicted_wait(startable, seconds, places, taken) == pytest.approx(wait)


async def test_a_scope_is_looked_at_once_however_many_types_are_in_it(
    system: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Free places are counted over all that is in flight: with 200 types on 50 workers that took ten seconds."""
    looked: Counter[Scope] = Counter()
    look = View.hold

    def counted(view: View, scope: Scope) -> Hold | None:
        looked[scope] += 1
        return look(view, scope)

    monkeypatch.setattr(View, "hold", counted)
    await system.worker(capacity=1)
    for n in range(5):
        await system.define(f"type-{n}")
        await system.submit(f"type-{n}")
    await picture(system)
    assert looked[Scope("workers", "default")] == 1
