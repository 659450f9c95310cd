"""Submits over HTTP per second, without a worker: what a task service can take in."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.cpu import CpuMeter
from bench.load import send_all
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from bench.sides.product_side import BATCH_CONNECTIONS, CONNECTIONS, batches, singles
from bench.watch import Watch


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    tasks: int = 5_000
    """Single submits of one measurement; batched ones are four times as many."""
    rounds: int = 3
    size: int = 150


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """One row for each measurement: kind, tasks, requests, connections, seconds, CPU."""
    rows: list[Row] = []
    url = await servers.fresh_database("mariadb")
    async with Product(servers, "mariadb", url, workers=0) as product:
        ways = {
            "single": (plan.tasks, singles(product.target, plan.tasks, plan.size), CONNECTIONS),
            "batch": (4 * plan.tasks, batches(product.target, 4 * plan.tasks, plan.size), BATCH_CONNECTIONS),
        }
        await send_all(product.target, singles(product.target, 100, plan.size), CONNECTIONS)
        with Watch("submitting", plan.rounds * len(ways)) as watch:
            for number in range(1, plan.rounds + 1):
                for kind, (tasks, requests, connections) in ways.items():
                    meter = CpuMeter(product.pids())
                    began = time.monotonic()
                    await send_all(product.target, requests, connections)
                    seconds = time.monotonic() - began
                    row = {"round": number, "kind": kind, "tasks": tasks, "seconds": seconds, "cpu": meter.read()}
                    rows.append({**row, "requests": len(requests), "connections": connections})
                    watch.step(f"round {number}  {kind:7} [bold]{tasks / seconds:7,.0f}[/bold] submits/s")
    return rows
