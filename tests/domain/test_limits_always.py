"""What holds of limits in every world: caps, no room left, shares, nobody starves, and lifting what "why" names."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.limited import Limited
from tradefree.limits.caps import Mode
from tradefree.tasks.states import Status

CAPS = st.none() | st.integers(1, 3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    everything=CAPS,
    connection=CAPS,
    shared=CAPS,
    type_=CAPS,
    lane=CAPS,
    capacity=st.integers(1, 4),
    paused=st.sampled_from([None, "type:echo", "connection:bot", "lane:echo/k"]),
    running=st.integers(0, 6),
)
async def test_lifting_what_why_names_starts_the_task(
    everything: int | None,
    connection: int | None,
    shared: int | None,
    type_: int | None,
    lane: int | None,
    capacity: int,
    paused: str | None,
    running: int,
) -> None:
    system = Limited()
    await system.connect(max_running=connection)
    await system.limit("everything", max_running=everything)
    await system.limit("limit:shared", max_running=shared)
    await system.define(
        connection="bot", limits=("shared",), concurrency={"max_running": type_, "max_running_per_key": lane}
    )
    await system.worker("w1", capacity)
    await system.many(running, concurrency_key="k")
    await system.admitted()
    if paused:
        await system.limiting.set_mode(paused, Mode.PAUSED, lasts=None, reason="", by="ann")
    task = await system.submit(concurrency_key="k", priority=100)
    await system.admitted()
    if await system.status(task) is not Status.PENDING:
        return
    holds = await system.why(task)
    assert holds, "a task that waits has a reason"
    assert ("turn", "task") not in holds, "a round has just passed"
    for kind, scope in holds:
        assert await system.status(task) is Status.PENDING, f"lifting all but {scope} must not be enough"
        await lift(system, kind, scope)
        if (kind, scope) != holds[-1]:
            assert task.id not in await system.admitted(), f"{holds} were named and some were enough"
    assert task.id in await system.admitted()


async def lift(system: Limited, kind: str, scope: str) -> None:
    if kind == "workers_full":
        await system.worker("w2", 10)
        return
    named = "lane:echo/k" if scope.startswith("lane:") else scope
    if kind == "paused":
        await system.limiting.set_mode(named, Mode.OPEN, lasts=None, reason="", by="ann")
    await system.limiting.change(named, {"max_running": None}, lasts=None, reason="", by="ann")


@settings(max_examples=100, deadline=None)
@given(
    caps=st.tuples(CAPS, CAPS, CAPS, CAPS),
    work=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", None])), max_size=25),
    ends=st.lists(st.integers(0, 30), max_size=30),
)
async def test_no_cap_is_exceeded_and_no_room_is_left(
    caps: tuple[int | None, ...], work: list[tuple[str, str | None]], ends: list[int]
) -> None:
    everything, shared, type_, lane = caps
    system = Limited()
    await system.limit("everything", max_running=everything)
    await system.limit("limit:shared", max_running=shared)
    for name in "ab":
        concurrency = {"max_running": type_, "max_running_per_key": lane}
        await system.define(name, limits=("shared",), concurrency=concurrency)
    await system.worker("w1", 1000)
    for name, key in work:
        await system.submit(name, concurrency_key=key)
    for pick in [0, *ends]:
        held = [task for task in system.store._tables.tasks.values() if task.holds_slot]
        if held:
            await system.end(held[pick % len(held)].id)
        await system.admitted()
        book = await system.catalog.book()
        used = book.used((await system.store.standing()).held)
        for scope, number in used.items():
            places = book.cap(scope).places
            assert places is None or number <= places, f"{scope} is exceeded"
        for task in system.store._tables.tasks.values():
            if task.status is Status.PENDING:
                assert await system.why(task) != [("turn", "task")], "there is room and it waits"


WEIGHTS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 5.0])


@settings(max_examples=30, deadline=None)
@given(
    kinds=st.lists(st.tuples(WEIGHTS, st.integers(1, 4)), min_size=2, max_size=4),
    places=st.integers(1, 5),
    ends=st.lists(st.integers(0, 100), min_size=10, max_size=30),
)
async def test_shares_converge_to_weights_and_lanes_share_alike(
    kinds: list[tuple[float, int]], places: int, ends: list[int]
) -> None:
    """Each type has a weight and lanes; all always have work, and whatever ends, ends in any order."""
    system = Limited()
    await system.limit("everything", max_running=places)
    lanes = [(f"t{index}", f"k{lane}") for index, (_, number) in enumerate(kinds) for lane in range(number)]
    for index, (weight, _) in enumerate(kinds):
        await system.define(f"t{index}", weight=weight)
    for name, key in lanes:
        await system.many(places, name, concurrency_key=key)
    await system.worker("w1", 1000)
    by_lane: Counter[tuple[str, str | None]] = Counter(dict.fromkeys(lanes, 0))
    held: list[str] = []
    for pick in [None, *ends]:
        if pick is not None:
            await system.end(held.pop(pick % len(held)))
        came = await system.admitted()
        for task in [system.store._tables.tasks[id_] for id_ in came]:
            by_lane[task.type, task.concurrency_key] += 1
            await system.submit(task.type, concurrency_key=task.concurrency_key)
        held += came
        served = [
            (sum(n for (name, _), n in by_lane.items() if name == f"t{index}") / weight, weight)
            for index, (weight, _) in enumerate(kinds)
        ]
        for mine, weight in served:
            for other, its in served:
                assert abs(mine - other) <= 1 / weight + 1 / its + 1e-9, f"{by_lane} for {kinds}"
        for index in range(len(kinds)):
            turns = [n for (name, _), n in by_lane.items() if name == f"t{index}"]
            assert max(turns) - min(turns) <= 1, f"{by_lane}: a lane has two turns before another has one"


@settings(max_examples=60, deadline=None)
@given(
    caps=st.tuples(CAPS, CAPS, CAPS, CAPS),
    weights=st.tuples(WEIGHTS, WEIGHTS),
    arrivals=st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(["x", "y", None]), st.integers(-3, 3), st.sampled_from([0, 1, 7])
        ),
        min_size=1,
        max_size=30,
    ),
)
async def test_nothing_starves(
    caps: tuple[int | None, ...],
    weights: tuple[float, float],
    arrivals: list[tuple[str, str | None, int, int]],
) -> None:
    """Tasks of any priority keep coming while others end: each starts, and none is overtaken in its lane by one that
    came more than ten seconds later for each step of priority between them."""
    everything, shared, type_, lane = caps
    system = Limited()
    await system.limit("everything", max_running=everything)
    await system.limit("limit:shared", max_running=shared)
    for name, weight in zip("ab", weights, strict=True):
        concurrency = {"max_running": type_, "max_running_per_key": lane}
        await system.define(name, limits=("shared",), concurrency=concurrency, weight=weight)
    await system.worker("w1", 1000)
    tasks = system.store._tables.tasks
    waiting: set[str] = set()
    held: list[str] = []

    async def time_passes() -> None:
        if held:
            await system.end(held.pop(0))
        for id_ in await system.admitted():
            waiting.discard(id_)
            held.append(id_)
            for behind in (tasks[other] for other in waiting if tasks[other].lane == tasks[id_].lane):
                most = timedelta(seconds=10 * (tasks[id_].priority - behind.priority))
                assert tasks[id_].run_at - behind.run_at <= most, "overtaken by one that came much later"

    for name, key, priority, pause in arrivals:
        waiting.add((await system.submit(name, concurrency_key=key, priority=priority)).id)
        system.clock.advance(pause)
        await system.beat("w1")
        await time_passes()
    for _ in range(len(arrivals)):
        await time_passes()
    assert not waiting
