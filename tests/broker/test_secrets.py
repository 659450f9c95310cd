"""What passes through Redis while tasks with secrets run: ids, and seals that nobody else can open."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from broker.running import Running, says
from broker.talk import client
from tradefree.testing.servers import Redis
from tradefree.testing.standin import Standin
from waiting import wait_for

pytestmark = pytest.mark.timeout(600)

APP_KEY = "app-the-key-of-the-dify-app"
SECRETS = {
    "text": "card-4242424242424242",
    "concurrency key": "customer-erika.mustermann@example.com",
    "label": "passport-C01X00T47",
    "idempotency key": "order-55512345",
    "Dify key": APP_KEY,
}


class Spy:
    """Everything that anybody says to a Redis, in a thread of its own."""

    def __init__(self, redis: Redis) -> None:
        self.commands: list[str] = []
        self._client = client(redis.url)
        self._monitor = self._client.monitor()  # type: ignore[no-untyped-call]
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for line in self._monitor.listen():
                self.commands.append(line["command"])
        except (RedisError, OSError, ValueError):
            return  # Redis has been stopped

    def said(self, command: str) -> list[str]:
        return [line for line in self.commands if line.upper().startswith(command)]

    def rung(self) -> list[Any]:
        """The arguments of the rings: positional ones, then named ones."""
        bodies = re.findall(r'body\\*": \\*"([A-Za-z0-9+/=]+)', "\n".join(self.said("LPUSH")))
        return [json.loads(base64.b64decode(body))[:2] for body in bodies]


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Standin]:
    """An app that streams its input back as text."""
    node = {"id": "think", "type": "llm", "title": "Think", "seconds": 1, "tokens": 100}
    app = {"name": "work", "key": APP_KEY, "inputs": [{"name": "text"}], "nodes": [node]}
    with Standin(tmp_path, {"apps": [app]}) as standin:
        yield standin


def partial_text(system: Running, task_id: str) -> str:
    """The text that a watcher sees while the task runs, up to its end."""
    seen = ""
    with system.api.stream("GET", f"/tasks/{task_id}/stream") as stream:
        for line in stream.iter_lines():
            if line.startswith('data: {"text"'):
                seen += json.loads(line.removeprefix("data: "))["text"]
            if line == "event: end":
                return seen
    raise AssertionError(f"the stream ended without an end: {seen}")


def test_no_secret_passes_through_redis_though_watchers_see_the_text(
    redis: Redis, standin: Standin, tmp_path: Path
) -> None:
    with Running(tmp_path, redis.url) as system:
        system.prepare()
        spy = Spy(redis)
        service = system.service()
        connection = {"base_url": standin.base_url, "api_key": APP_KEY}
        assert system.api.put("/connections/work", json=connection).status_code in (200, 201)
        system.define("work", runner="dify.workflow", connection="work", concurrency={"max_running_per_key": 1})
        worker = system.worker()
        answer = system.api.post(
            "/tasks",
            json={
                "type": "work",
                "input_data": {"text": SECRETS["text"]},
                "concurrency_key": SECRETS["concurrency key"],
                "labels": {"id": SECRETS["label"]},
            },
            headers={"Idempotency-Key": SECRETS["idempotency key"]},
        )
        task_id = str(answer.json()["id"])
        assert SECRETS["text"] in partial_text(system, task_id)  # so it did pass from the worker to the service
        assert SECRETS["text"] in json.dumps(system.wait(task_id)["output_data"])
        wait_for(lambda: spy.rung(), "the ring to be seen")
        wait_for(lambda: any(".signals.tasks." in line for line in spy.said("PUBLISH")), "the text to be seen", worker)

        assert spy.rung() == [[[[task_id]], {}]]
        everything = "\n".join(spy.commands)
        for what, secret in {**SECRETS, "API key": system.api_key}.items():
            assert secret not in everything, what
            assert base64.b64encode(secret.encode()).decode()[:-4] not in everything, what
        for node in (service, worker):
            assert not says(node, "cannot be read")
            assert not says(node, APP_KEY)
