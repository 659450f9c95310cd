"""Secrets and payloads that were put into a real system are looked for wherever they must not come out."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from acceptance.processes import Standin
from acceptance.receiving import a_receiver
from database.servers import empty_database, user_of
from service.service_world import ENDLESS
from traces.collector import Collector
from tradefree.backups.archive import ArchiveReader
from tradefree.service.openapi import operations
from tradefree.testing.cluster import Cluster
from tradefree.testing.receiver import CallbackReceiver, Reply
from tradefree.testing.servers import Redis
from waiting import wait_for

CONNECTION = "canary-connection-0123456789"
REDIS = "canary-redis-0123456789"
METRICS = "canary-metrics-0123456789"
PASSPHRASE = "canary-passphrase-0123456789"
HOOK = "whsec_" + base64.b64encode(b"canary-hook-0123456789-0123").decode()
SUBSCRIPTION = "whsec_" + base64.b64encode(b"canary-subscription-0123456789").decode()
INPUT, OUTPUT, EVENT = "canary-in-input", "canary-in-output", "canary-in-event"
PAYLOADS = {INPUT, OUTPUT, EVENT}
RUNNER = """
from tradefree.runners import runner

@runner
def stumble(input_data):
    found = input_data["text"]
    return {"first": found["no such thing"]}
"""
READER = ("tasks:read", "events:read", "definitions:read")


class World:
    """One service, one worker, Dify, a collector, a receiver of callbacks; each secret there is, by name."""

    def __init__(self, cluster: Cluster, collector: Collector, receiver: CallbackReceiver) -> None:
        self.cluster, self.collector, self.receiver = cluster, collector, receiver
        self.secrets = {
            "connection": CONNECTION,
            "redis": REDIS,
            "metrics": METRICS,
            "hook": HOOK,
            "subscription": SUBSCRIPTION,
            "database": sa.make_url(cluster.environment["TRADEFREE_DATABASE_URL"]).password or "",
            "secret key": cluster.environment["TRADEFREE_SECRET_KEY"],
            "admin": cluster.api_key,
        }
        self.api = self.client(cluster.api_key)

    def client(self, key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.cluster.services[0].url, headers=headers, timeout=60)

    def put(self, path: str, **body: Any) -> None:
        answer = self.api.put(f"/api/v1/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text

    def submit(self, task_type: str, **more: Any) -> dict[str, Any]:
        body = {"type": task_type, "input_data": {"text": INPUT, "seconds": 0.01}, **more}
        task = self.api.post("/api/v1/tasks", json=body, headers={"Prefer": "wait=60"}).raise_for_status().json()
        return dict(task)

    def hook(self, secret: str) -> int:
        """Send a webhook; the status that answers it."""
        now, body = datetime.now(UTC), json.dumps({"type": "order.created", "data": {"order": EVENT}})
        signed = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign("msg_1", now, body),
        }
        return self.api.post("/hooks/shop", content=body, headers=signed).status_code

    def found(self, place: str, text: str, *, payloads: bool = False) -> list[str]:
        """Names of what is in a text and should not be. ``payloads``: those may be there."""
        assert len(text) > 100, f"{place} is empty, so nothing is shown by it"
        looked_for = self.secrets | ({} if payloads else {payload: payload for payload in PAYLOADS})
        return [f"{place}: {name}" for name, secret in looked_for.items() if secret in text]


@pytest.fixture
def world(
    tmp_path: Path, stack: ExitStack, start_standin: Callable[..., Standin], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    collector, receiver = stack.enter_context(Collector()), stack.enter_context(a_receiver())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    url = asyncio.run(empty_database("mariadb"))
    database = asyncio.run(user_of(url, f"ALL ON {url.database}.*")).render_as_string(hide_password=False)
    redis = stack.enter_context(Redis(requirepass=REDIS))
    settings = {"log_level": "debug", "callback_allow": "127.0.0.1", "metrics_port": 0, "metrics_token": METRICS}
    broker = redis.url.replace("://", f"://:{REDIS}@")
    cluster = stack.enter_context(Cluster(tmp_path, database, broker, **settings))
    cluster.environment["PYTHONPATH"] = str(a_package(tmp_path))
    cluster.prepare()
    cluster.service()
    cluster.worker()
    world = World(cluster, collector, receiver)
    node = {"id": "say", "type": "llm", "title": "Say"}
    dify = start_standin(key=CONNECTION, nodes=[node], outputs={"text": OUTPUT})
    world.put("connections/dify", base_url=dify.url, api_key=CONNECTION)
    yield world
    world.api.close()


def a_package(folder: Path) -> Path:
    """A runner of a user's own, as an installed package offers it."""
    package = folder / "site"
    (package / "my_shop-1.dist-info").mkdir(parents=True)
    (package / "my_shop.py").write_text(RUNNER)
    (package / "my_shop-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: my-shop\nVersion: 1\n")
    (package / "my_shop-1.dist-info" / "entry_points.txt").write_text(
        "[tradefree.runners]\nstumble = my_shop:stumble\n"
    )
    return package


def plant(world: World) -> str:
    """Let every secret be used, rightly and wrongly; the id of a task that Dify completed."""
    once = {"max_attempts": 1}
    world.put("task-types/work", runner="dify.workflow", connection="dify", retry=once)
    world.put("task-types/stumble", runner="stumble", retry=once)
    world.put("task-types/strict", runner="echo", input_schema={"properties": {"text": {"maxLength": 3}}})
    world.put("hooks/shop", preset="standard-webhooks", secrets=[HOOK])
    world.put(
        "triggers/orders", event="order.created", task_type="work", input={"text": "event.data.order", "seconds": "0"}
    )
    world.put("subscriptions/shop", url=world.receiver.url, task_types=["work"], secret=SUBSCRIPTION)
    world.secrets["callbacks"] = world.api.get("/api/v1/callback-secret").json()["secret"]
    world.receiver.replies.append(Reply(500))

    done = world.submit("work", callback_url=world.receiver.url)
    assert (done["status"], done["output_data"]) == ("completed", {"text": OUTPUT}), done["error_message"]
    assert world.submit("stumble")["status"] == "failed"
    world.secrets["stream"] = httpx.URL(done["stream_url"]).params["token"]
    assert httpx.get(world.cluster.services[0].url + httpx.URL(done["stream_url"]).raw_path.decode()).status_code == 200
    session = world.api.post("/api/v1/console/session", json={"api_key": world.cluster.api_key}).raise_for_status()
    world.secrets |= {"session": next(iter(session.cookies.values())), "csrf": session.json()["csrf_token"]}

    world.secrets["wrong key"] = "tfk_canary0123456789"
    assert world.client("tfk_canary0123456789").get("/api/v1/tasks").status_code == 401
    world.secrets["wrong hook"] = "whsec_" + base64.b64encode(b"canary-wrong-0123456789-0123").decode()
    assert (world.hook(HOOK), world.hook(world.secrets["wrong hook"])) == (202, 401)
    assert world.api.put("/api/v1/connections/dify", json={"base_url": "x", "api_key": CONNECTION}).status_code == 422
    strict = {"type": "strict", "input_data": {"text": INPUT}}
    assert world.api.post("/api/v1/tasks", json=strict).status_code == 422
    wait_for(lambda: len(world.receiver.told) >= 3, "callbacks of two tasks, of one of them to two receivers")
    wait_for(lambda: len(world.collector.named("process default")) >= 3, "the spans of three attempts")
    return str(done["id"])


def answers_to(world: World, key: str, task_id: str) -> str:
    """What every operation that reads says to this key."""
    client, said = world.client(key), []
    names = {
        "connections": "dify",
        "hooks": "shop",
        "triggers": "orders",
        "subscriptions": "shop",
        "task-types": "work",
    }
    for path, method, route, _ in operations():
        if method == "get" and route.operation_id not in ENDLESS:
            name = next((name for part, name in names.items() if f"/{part}/" in path), "x")
            url = path.format_map({**dict.fromkeys(route.param_convertors, "x"), "name": name, "task_id": task_id})
            said.append(client.get(url).text)
    return "\n".join(said)


def backup(world: World, name: str, **settings: str) -> bytes:
    world.cluster.environment |= settings
    world.cluster.tradefree("backup", "create", name)
    return (world.cluster.folder / name).read_bytes()


def inside(file: Path) -> str:
    """All rows of a backup."""
    with file.open("rb") as source:
        return "\n".join(line.decode() for rows in ArchiveReader(source).rows() for line in rows.lines)


@pytest.mark.timeout(300)
def test_no_secret_comes_out_anywhere_and_no_payload_where_it_has_no_business(world: World, tmp_path: Path) -> None:
    task_id = plant(world)
    made = world.cluster.tradefree(
        "keys", "create", "--name", "r", *(w for s in READER for w in ("--scope", s)), "--json"
    )
    world.secrets["reader"] = json.loads(made)["key"]
    reader = answers_to(world, world.secrets["reader"], task_id)
    service, worker = world.cluster.services[0], world.cluster.workers[0]
    metrics = {"Authorization": f"Bearer {METRICS}"}
    told = [json.loads(line) for line in worker.log.read_text().splitlines() if '"metrics ready"' in line]
    pages = [
        httpx.get(url, headers=metrics).raise_for_status().text for url in (f"{service.url}/metrics", told[-1]["url"])
    ]
    backup(world, "plain.tfb")
    world.cluster.environment |= {"TRADEFREE_API_URL": service.url, "TRADEFREE_API_KEY": world.cluster.api_key}
    sealed = backup(world, "sealed.tfb", TRADEFREE_BACKUP_PASSPHRASE=PASSPHRASE)
    rows = inside(tmp_path / "plain.tfb")
    assert all(payload in rows for payload in PAYLOADS), "what is looked for can be found"

    found = [
        *world.found("answers to a reader", reader),
        *world.found("the service's log", service.log.read_text()),
        *world.found("the worker's log", worker.log.read_text()),
        *world.found("the service's metrics", pages[0]),
        *world.found("the worker's metrics", pages[1]),
        *world.found("spans", world.collector.raw.decode("latin-1")),
        *world.found("the audit trail", world.api.get("/api/v1/audit").text),
        *world.found("doctor", world.cluster.tradefree("doctor", "--json")),
        *world.found("a backup", rows, payloads=True),
        *world.found("an encrypted backup", sealed.decode("latin-1")),
    ]
    assert found == []
    assert "the runner failed unexpectedly" in worker.log.read_text()
