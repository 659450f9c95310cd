"""Metrics of real processes: of ``tradefree up`` on one page, of services and workers on theirs."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import httpx

from acceptance.processes import Standin, System
from metrics.reading import Reading
from private_servers import database_on, redis_url
from tradefree.testing.cluster import Cluster, Service, Worker
from waiting import wait_for

TOKEN = "0123456789abcdef"
CANARIES = ("app-work", "canary-in-input", "canary-in-key")


def scrape(url: str, token: str | None = None) -> Reading:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return Reading(answer.read().decode())


def page_of(system: System) -> Reading:
    return scrape(str(system.api.base_url.copy_with(path="/metrics")))


def test_one_page_has_all_of_an_embedded_system(system: System, standin: Standin) -> None:
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner="dify.workflow", connection="dify", retry={"max_attempts": 1})
    system.define("slow", runner="echo", options={"delay": 60}, concurrency={"max_running": 1})
    system.wait(system.submit("work", {"seconds": 0.1, "text": "canary-in-input"}, concurrency_key="canary-in-key"))
    broken = {"seconds": 0, "standin": json.dumps({"fail": {"error": "no stock"}})}
    system.wait(system.submit("work", broken))
    system.wait(system.submit("slow"), "processing")
    system.submit("slow")

    def told() -> bool:
        return page_of(system).value("waiting_tasks", queue="default", reason="full") == 1

    wait_for(told, "a fresh picture")
    page = page_of(system)
    assert page.value("tasks", type="work", status="completed") == 1
    assert page.value("tasks", type="work", status="failed") == 1
    assert page.value("attempts_total", type="work", outcome="completed") == 1
    assert page.value("task_start_wait_seconds_count", type="work") == 2
    assert page.value("tokens_total", type="work", kind="other") or page.value(
        "tokens_total", type="work", kind="prompt"
    )
    assert sum(page.all("upstream_errors_total").values()) == 1
    assert page.value("worker_running_attempts") == 1
    assert (page.value("leader"), page.value("dispatcher_leading"), page.value("workers", status="live")) == (1, 1, 1)
    assert page.value("dispatcher_admitted_tasks_total") == 3
    assert page.value("limit_places", scope="type:slow") == 1
    assert not [secret for secret in CANARIES if secret in page.text]
    assert not re.search(r"tfk_", page.text)


def test_services_and_workers_have_pages_of_their_own(tmp_path: Path) -> None:
    settings = {"metrics_port": 0, "metrics_token": TOKEN}
    with Cluster(tmp_path, database_on("mariadb"), redis_url(), **settings) as cluster:
        cluster.prepare()
        service, workers = cluster.service(), [cluster.worker(), cluster.worker()]
        headers = {"Authorization": f"Bearer {cluster.api_key}"}
        with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers, timeout=30) as api:
            api.put("/task-types/echo", json={"runner": "echo"}).raise_for_status()
            for _ in range(20):
                api.post("/tasks", json={"type": "echo", "input_data": {}}, headers={"Prefer": "wait=30"})
        assert refused(f"{service.url}/metrics") == 401
        pages = [scrape(metrics_url(worker), TOKEN) for worker in workers]
        assert sum(page.value("attempts_total", type="echo", outcome="completed") or 0 for page in pages) == 20
        assert all(page.value("worker_beats_total", outcome="failed") == 0 for page in pages)
        assert pages[0].value("database_up") is None, "workers do not ask the database"
        wait_for(lambda: known(service).value("tasks", type="echo", status="completed") == 20, "a fresh picture")
        assert known(service).value("workers", status="live") == 2
        assert known(service).value("queue_places", queue="default") == 400


def known(service: Service) -> Reading:
    return scrape(f"{service.url}/metrics", TOKEN)


def metrics_url(worker: Worker) -> str:
    """As the worker's log says."""
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if '"metrics ready"' in line]
    return str(lines[-1]["url"])


def refused(url: str) -> int:
    return httpx.get(url).status_code


def test_scrapers_that_hang_up_or_say_nothing_are_in_nobodys_way(system: System) -> None:
    system.define("echo", runner="echo")
    address = (system.api.base_url.host, system.api.base_url.port or 80)
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(socket.create_connection(address)).sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        for _ in range(50):
            with socket.create_connection(address) as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                gone.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert system.wait(system.submit("echo", {"n": 1}))["status"] == "completed"
        assert page_of(system).value("database_up") == 1
        assert system.process.kill(signal.SIGTERM) == 0
    assert not re.search('Traceback|"error"|"critical"', system.process.text())
