"""Callbacks over real services and workers that get killed: everybody who is to be told is told, as the library of
receivers has it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from acceptance.any_service import AnyService
from acceptance.receiving import a_receiver
from private_servers import database_on, redis_url
from tradefree.ids import new_id
from tradefree.testing.cluster import Cluster
from tradefree.testing.receiver import CallbackReceiver, Reply
from waiting import wait_for

TASKS = 300
MANIFEST = """
task_types:
  quick: {{runner: echo, retry: {{max_attempts: 20, initial: 0.1, maximum: 0.2}}}}
  slow: {{runner: echo, options: {{delay: 0.3}}}}
subscriptions:
  shop: {{url: "{url}", task_types: ["quick", "sl*"], labels: {{shop: de}}, secret: "{secret}"}}
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class World(AnyService):
    """Two services and two workers, a receiver for the subscription and one for tasks' own addresses."""

    def __init__(self, cluster: Cluster, shop: CallbackReceiver, own: CallbackReceiver) -> None:
        super().__init__(cluster)
        self.shop = shop
        self.own = own

    def submit(self, number: int) -> list[str]:
        """Tasks of two kinds; all have an address of their own, and the subscription wants them, too."""
        items = [
            {
                "type": "slow" if n % 3 == 0 else "quick",
                "input_data": {"n": n},
                "labels": {"shop": "de"},
                "callback_url": self.own.url,
                "idempotency_key": f"{number}-{n}",
            }
            for n in range(number)
        ]
        return [item["task"]["id"] for item in self.call("POST", "/tasks/batch", json=items)["items"]]

    def heard(self, number: int) -> bool:
        return len(self.own.told) >= number

    def waiting(self) -> int:
        """Deliveries that are not yet made."""
        live = "pending,queued,processing,scheduled"
        return len(self.call("GET", "/deliveries", params={"status": live, "limit": 200})["items"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = database_on("mariadb", f"callbacks_{new_id()[-12:]}")
    allowed = {"callback_allow": "127.0.0.1", "public_url": "https://tasks.example.com"}
    with a_receiver() as shop, a_receiver() as own, Cluster(tmp_path, database, redis_url(), **allowed) as cluster:
        cluster.prepare()
        manifest = tmp_path / "manifest.yaml"
        manifest.write_text(MANIFEST.format(url=shop.url, secret=SECRET))
        cluster.tradefree("apply", "-f", str(manifest))
        for _ in range(2):
            cluster.service()
            cluster.worker(50)
        yield World(cluster, shop, own)


def told(receiver: CallbackReceiver) -> dict[str, set[str]]:
    """Ids of deliveries by the task that they told of."""
    found: dict[str, set[str]] = defaultdict(set)
    for request in list(receiver.told):
        found[request.event["subject"]].add(request.id)
    return found


@pytest.mark.timeout(600)
def test_everybody_is_told_whoever_dies(world: World) -> None:
    world.shop.reply = Reply(503)
    ids = world.submit(TASKS)
    world.call("POST", "/task-actions", json={"action": "cancel", "filter": {"type": ["slow"], "status": ["pending"]}})
    workers, services = world.cluster.workers, world.cluster.services
    for number, node in enumerate((workers[0], services[0], workers[1], services[1]), start=1):
        wait_for(partial(world.heard, TASKS * number // 8), "some deliveries")
        node.kill()
        node.start()
    world.shop.reply = Reply()
    world.call("PUT", "/subscriptions/shop/pause", json={})
    world.call("DELETE", "/subscriptions/shop/pause")  # what waits for another attempt is sent at once
    wait_for(lambda: len(told(world.own)) == TASKS, "every task's own receiver", patience=120)
    wait_for(lambda: len(told(world.shop)) == TASKS, "the subscription", patience=120)
    wait_for(lambda: not world.waiting(), "the last delivery", patience=120)
    at = ("--url", services[0].url, "--api-key", world.cluster.api_key)
    secret = json.loads(world.cluster.tradefree("callbacks", "secret", "--json", *at))["secret"]
    for receiver, signed_with in ((world.shop, SECRET), (world.own, secret)):
        by_task = told(receiver)
        assert set(by_task) == set(ids)
        assert {len(deliveries) for deliveries in by_task.values()} == {1}, "one delivery each, be it repeated"
        for request in receiver.told:
            event = Webhook(signed_with).verify(request.body, dict(request.headers))
            assert event["type"] in ("ai.tradefree.task.completed", "ai.tradefree.task.cancelled")
            assert event["data"]["status_url"] == f"https://tasks.example.com/api/v1/tasks/{event['subject']}"
    counts = world.call("GET", "/stats")["by_status"]
    assert counts["completed"] + counts["cancelled"] == TASKS
