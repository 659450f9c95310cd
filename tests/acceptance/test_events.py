"""Ten thousand events, all posted twice or more by clients that do not know each other, while services get killed."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from sqlalchemy.ext.asyncio import create_async_engine

from private_servers import database_on, redis_url
from tradefree.ids import new_id
from tradefree.testing.cluster import Cluster

EVENTS = 10_000
CLIENTS = 6
"""Of each poster."""
KILLS = 6
PATIENCE = 240.0
RULES = """
task_types:
  note: {runner: echo}
triggers:
  every: {event: "order.*", task_type: note, input: {order: "event.data.n"}}
  even: {event: "order.created", task_type: note, filter: "event.data.n % 2 == 0", key: "string(event.data.n % 7)"}
  third: {event: "*", task_type: note, filter: "event.data.n % 3 == 2 && event.source == '/shop'"}
  elsewhere: {event: "shipment.*", task_type: note}
"""


DECIDED = "SELECT e.event_id, d.trigger_name, d.task_id FROM events e JOIN event_decisions d ON d.event_id = e.id"
MADE = "SELECT e.event_id, t.id FROM tasks t LEFT JOIN events e ON e.id = t.event_id"


class Poster:
    """Posts events to any service that answers, until each was answered; remembers what it was told."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.heard: dict[int, set[tuple[str, str | None]]] = defaultdict(set)
        """By event: every trigger and task that any answer named."""
        self.answers = 0
        self.failures = 0

    async def post_all(self, numbers: Sequence[int], seed: int) -> None:
        """In batches of any size, some as single events; batches of clients overlap in other orders."""
        order = random.Random(seed)
        queue = list(numbers)
        order.shuffle(queue)
        headers = {"Authorization": f"Bearer {self._cluster.api_key}"}
        async with httpx.AsyncClient(headers=headers, timeout=20) as client:
            while queue:
                size = order.choice((1, 1, 20, 100, 200))
                batch, queue = queue[:size], queue[size:]
                await self._post(client, batch, order)

    async def _post(self, client: httpx.AsyncClient, batch: list[int], order: random.Random) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            service = order.choice(self._cluster.services)
            try:
                answer = await client.post(f"{service.url}/api/v1/events", **request(batch))
            except httpx.HTTPError:
                self.failures += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 202:
                self._listen(batch, answer.json())
                return
            assert answer.status_code in (429, 503), answer.text
            self.failures += 1
            await asyncio.sleep(0.05)
        raise AssertionError(f"nobody answered to {batch[:3]}…")

    def _listen(self, batch: list[int], body: Any) -> None:
        self.answers += 1
        events = [item["event"] for item in body["items"]] if "items" in body else [body]
        for number, event in zip(batch, events, strict=True):
            assert event["event_id"] == str(number)
            self.heard[number] |= {(d["trigger"], d["task_id"]) for d in event["decisions"]}


def request(batch: list[int]) -> dict[str, Any]:
    """One event as the SDK writes it in binary mode, several as a batch."""
    if len(batch) == 1:
        said = {"id": str(batch[0]), "source": "/shop", "type": "order.created", "datacontenttype": "application/json"}
        message = to_binary_event(CloudEvent(said, {"n": batch[0]}))
        return {"content": message.body, "headers": message.headers}
    events = [
        {"specversion": "1.0", "id": str(n), "source": "/shop", "type": "order.created", "data": {"n": n}}
        for n in batch
    ]
    return {"json": events, "headers": {"Content-Type": "application/cloudevents-batch+json"}}


async def kill_now_and_then(cluster: Cluster) -> None:
    """SIGKILL one service after the other; it comes back, and then it is the other's turn."""
    for kill in range(KILLS):
        service = cluster.services[kill % len(cluster.services)]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(service.kill)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(service.start)


async def post_turn_after_turn(posters: Sequence[Poster], killing: asyncio.Future[None]) -> None:
    """All events by all posters, and all of them again for as long as services get killed."""
    shares = [range(client, EVENTS, CLIENTS) for client in range(CLIENTS)]
    for turn in itertools.count():
        await asyncio.gather(
            *(
                poster.post_all(share, seed=hash((turn, who, client)))
                for who, poster in enumerate(posters)
                for client, share in enumerate(shares)
            )
        )
        if killing.done():
            return


async def stored(url: str) -> tuple[dict[str, list[tuple[str, str | None]]], dict[str, list[str]]]:
    """Decisions by the sender's id of the event, and the ids of tasks by event, as the database has them."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            decided: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
            for row in await connection.execute(sa.text(DECIDED)):
                decided[row.event_id].append((row.trigger_name, row.task_id))
            made: dict[str, list[str]] = defaultdict(list)
            for row in await connection.execute(sa.text(MADE)):
                made[row.event_id].append(row.id)
            return decided, made
    finally:
        await engine.dispose()


def expected(number: int) -> set[str]:
    """The rules that make a task of an event."""
    made = {"every": True, "even": number % 2 == 0, "third": number % 3 == 2}
    return {name for name, makes in made.items() if makes}


@pytest.fixture
def url() -> str:
    return database_on("mariadb", f"events_{new_id()[-12:]}")


@pytest.fixture
def cluster(tmp_path: Path, url: str) -> Iterator[Cluster]:
    with Cluster(tmp_path, url, redis_url()) as cluster:
        cluster.prepare()
        (tmp_path / "rules.yaml").write_text(RULES)
        cluster.tradefree("apply", "-f", str(tmp_path / "rules.yaml"))
        for _ in range(2):
            cluster.service()
        yield cluster


@pytest.mark.timeout(400)
async def test_each_event_makes_its_tasks_exactly_once_whoever_dies(cluster: Cluster, url: str) -> None:
    posters = [Poster(cluster), Poster(cluster)]
    async with asyncio.TaskGroup() as group:
        killing = group.create_task(kill_now_and_then(cluster))
        group.create_task(post_turn_after_turn(posters, killing))
    assert sum(poster.failures for poster in posters) > 0

    decided, made = await stored(url)
    assert len(decided) == EVENTS
    for number in range(EVENTS):
        decisions = decided[str(number)]
        assert {trigger for trigger, _ in decisions} == {"every", "even", "third"}
        tasks = {trigger: task for trigger, task in decisions if task is not None}
        assert set(tasks) == expected(number)
        assert sorted(tasks.values()) == sorted(made[str(number)]), "every task, and no other"
        for poster in posters:
            assert poster.heard[number] == set(decisions), "everybody heard of the same tasks"
    assert set(made) == {str(number) for number in range(EVENTS)}
