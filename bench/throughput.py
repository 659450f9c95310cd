"""Section throughput: tasks per second, end to end. All sides in turn, again and again, so that all share the noise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bench.servers import Servers
from bench.sides import PEERS, Measurement, PeerSide, ProductSide, Side

SIZES = (150, 5_000)
"""Bytes of JSON that a task is given and gives back."""
BATCHED_SHARE = 4.0
"""Batched submits do some four times as many tasks in the same time."""
SINGLE_SHARE = 1.5

Report = Callable[[int, Measurement], None]


def make_sides(servers: Servers, databases: Sequence[str], only: Sequence[str]) -> list[Side]:
    """The sides to compare. ``only``: names or their beginnings; none means all."""
    sides: list[Side] = [PeerSide(servers, name) for name in PEERS if name.startswith("celery")]
    for database in databases:
        sides.append(ProductSide(servers, database, batched=True, share=BATCHED_SHARE))
        sides.append(ProductSide(servers, database, batched=False, share=SINGLE_SHARE))
    sides += [PeerSide(servers, name) for name in PEERS if not name.startswith("celery")]
    return [side for side in sides if not only or side.name.startswith(tuple(only))]


async def compare(sides: Sequence[Side], sizes: Sequence[int], tasks: int, rounds: int, report: Report) -> None:
    """Measure every side in every round; ``report`` is told of each measurement."""
    for number in range(rounds):
        for side in sides:
            await _one(side, sizes, tasks, lambda done, number=number: report(number, done))  # type: ignore[misc]


async def _one(side: Side, sizes: Sequence[int], tasks: int, tell: Callable[[Measurement], None]) -> None:
    try:
        await side.start()
        for size in sizes:
            tell(await side.measure(int(tasks * side.share), size))
    finally:
        await side.stop()


Starting = Callable[[], Awaitable[None]]
