"""Tasks per second, end to end. All sides in turn, round after round, so that all share the noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from bench.results import Row
from bench.servers import Servers, mysql_program
from bench.sides.peer_side import PEERS, PeerSide
from bench.sides.product_side import ProductSide
from bench.sides.side import Measurement, Side
from bench.watch import Watch

SIZES = (150, 5_000)
"""Bytes of JSON that a task is given and gives back."""
BATCHED_SHARE = 4.0
"""Batched submits do some four times as many tasks in the same time."""
SINGLE_SHARE = 2.0


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    tasks: int = 3_000
    """Of one measurement of Celery; others do more in the same time."""
    rounds: int = 5
    only: Sequence[str] = ()
    """Beginnings of names of sides; none means all."""
    databases: Sequence[str] = ()
    sizes: Sequence[int] = SIZES
    concurrency: int = 1_000
    """Of the product's worker."""


def default_databases() -> tuple[str, ...]:
    """All there are on this machine."""
    return ("mariadb", "mysql", "sqlite") if mysql_program() else ("mariadb", "sqlite")


def make_sides(servers: Servers, plan: Plan) -> list[Side]:
    """The sides of a plan: Celery and the product on MariaDB in every round, the others in every second one."""
    sides: list[Side] = [PeerSide(servers, name) for name in PEERS if name.startswith("celery")]
    for database in plan.databases or default_databases():
        for batched, share in ((True, BATCHED_SHARE), (False, SINGLE_SHARE)):
            sides.append(ProductSide(servers, database, batched=batched, concurrency=plan.concurrency, share=share))
            sides[-1].every = 1 if database == "mariadb" else 2
    for name in PEERS:
        if not name.startswith("celery"):
            sides.append(PeerSide(servers, name))
            sides[-1].every = 2
    return [side for side in sides if not plan.only or side.name.startswith(tuple(plan.only))]


def schedule(sides: Sequence[Side], rounds: int) -> Iterator[tuple[int, Side]]:
    """Who is measured when: (round from 1, side)."""
    for number in range(1, rounds + 1):
        yield from ((number, side) for side in sides if (number - 1) % side.every == 0)


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """One row for each measurement."""
    turns = list(schedule(make_sides(servers, plan), plan.rounds))
    rows: list[Row] = []
    with Watch("throughput", len(turns) * len(plan.sizes)) as watch:
        for number, side in turns:
            try:
                await side.start()
                for size in plan.sizes:
                    done = await side.measure(int(plan.tasks * side.share), size)
                    rows.append({"round": number, **asdict(done)})
                    watch.step(line(number, done))
            finally:
                await side.stop()
    return rows


def line(number: int, done: Measurement) -> str:
    """A measurement in words."""
    spent = ", ".join(f"{name} {seconds / done.tasks * 1000:.2f}" for name, seconds in done.cpu.items())
    return (
        f"round {number}  {done.side:25} {done.size:5} B  [bold]{done.tasks / done.seconds:7,.0f}[/bold]/s  "
        f"submitted {done.tasks / done.submit_seconds:7,.0f}/s  CPU ms per task: {spent}"
    )
