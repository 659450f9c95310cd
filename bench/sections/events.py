"""Events: how many a task service takes in per second, and what it costs to try a thousand rules on one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.cpu import CpuMeter
from bench.load import Target, send_all
from bench.payload import payload
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from bench.sides.product_side import BATCH_CONNECTIONS, CONNECTIONS
from bench.watch import Watch
from tradefree.events.decide import decide, values_of
from tradefree.events.event import Event
from tradefree.events.rulebook import Rulebook
from tradefree.events.trigger import Kept, Trigger

BATCH = 500
RULES = 1_000
TYPE = "bench.order.created"
MAKES = {"event": TYPE, "task_type": "echo", "filter": "event.data.n >= 0", "input": {"n": "event.data.n"}}


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    events: int = 3_000
    """Single events of one measurement; batched ones are four times as many."""
    rounds: int = 3
    size: int = 150
    tries: int = 50
    """How often all rules are tried on an event."""


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """One row for each measurement: kind, rules, events, seconds, CPU."""
    rows: list[Row] = [*_rules(plan)]
    url = await servers.fresh_database("mariadb")
    async with Product(servers, "mariadb", url, workers=0) as product:
        await product.trigger("makes", **MAKES)
        for rules in (1, RULES):
            for number in range(1, rules):
                await product.trigger(f"other-{number}", **MAKES | {"event": f"bench.other.{number}"})
            rows += await _taken(product, plan, rules)
    return rows


async def _taken(product: Product, plan: Plan, rules: int) -> list[Row]:
    rows: list[Row] = []
    name = f"{rules}"
    await send_all(product.target, list(_singles(product.target, f"{name}-warm", 100, plan.size)), CONNECTIONS)
    with Watch(f"events, {rules} rules", 2 * plan.rounds) as watch:
        for number in range(1, plan.rounds + 1):
            for kind, events, connections in (
                ("single", plan.events, CONNECTIONS),
                ("batch", 4 * plan.events, BATCH_CONNECTIONS),
            ):
                make = _singles if kind == "single" else _batches
                requests = list(make(product.target, f"{name}-{kind}-{number}", events, plan.size))
                meter = CpuMeter(product.pids())
                began = time.monotonic()
                await send_all(product.target, requests, connections)
                seconds = time.monotonic() - began
                row = {"round": number, "kind": kind, "rules": rules, "events": events, "seconds": seconds}
                rows.append({**row, "cpu": meter.read(), "connections": connections})
                watch.step(f"round {number}  {kind:7} [bold]{events / seconds:7,.0f}[/bold] events/s")
    return rows


def _rules(plan: Plan) -> Iterator[Row]:
    """Seconds to try a thousand rules on one event, in this process: those that look at its type, and those that do
    not."""
    now = datetime.now(UTC)
    for looking, size in ((RULES, 150), (RULES, 5_000), (1, 150)):
        every = [
            Trigger.model_validate(
                {
                    "name": f"rule-{n}",
                    "event": TYPE if n < looking else f"bench.other.{n}",
                    "task_type": "echo",
                    "filter": f"event.data.n > {n} && event.data.country == 'DE'",
                }
            )
            for n in range(RULES)
        ]
        book = Rulebook(Kept(trigger, 1, now) for trigger in every)
        event = Event("i", "/bench", "1", TYPE, now, "key:bench", data={"n": -1, "country": "DE", "text": "x" * size})
        for _ in range(plan.tries):
            began = time.perf_counter()
            values = values_of(event)
            for rule in book.rules_for(TYPE):
                decide(rule, event, values)
            seconds = time.perf_counter() - began
            yield {"kind": "rules", "rules": RULES, "looking": looking, "size": size, "seconds": seconds}


def _event(id_: str, number: int, size: int) -> dict[str, object]:
    data = {"n": number, "payload": payload(size)}
    return {"specversion": "1.0", "id": id_, "source": "/bench", "type": TYPE, "data": data}


def _singles(target: Target, name: str, events: int, size: int) -> Iterator[bytes]:
    for n in range(events):
        body = json.dumps(_event(f"{name}-{n}", n, size)).encode()
        yield target.post("/api/v1/events", body, "application/cloudevents+json")


def _batches(target: Target, name: str, events: int, size: int) -> Iterator[bytes]:
    for start in range(0, events, BATCH):
        batch: Sequence[object] = [_event(f"{name}-{n}", n, size) for n in range(start, min(events, start + BATCH))]
        yield target.post("/api/v1/events", json.dumps(batch).encode(), "application/cloudevents-batch+json")
