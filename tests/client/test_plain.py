from __future__ import annotations

import inspect
import threading

import pytest

from cli.service_double import TASK_ID, ServiceDouble, event, log_line, ok, problem, stream, task
from tradefree.client import Client, NotFound, SyncClient

NAMES = sorted(name for name in vars(Client) if not name.startswith("_"))


def test_both_clients_have_the_same_methods() -> None:
    assert sorted(name for name in vars(SyncClient) if not name.startswith("_")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_methods_take_the_same(name: str) -> None:
    ours, theirs = inspect.signature(getattr(SyncClient, name)), inspect.signature(getattr(Client, name))
    assert ours.parameters == theirs.parameters
    plain = str(ours.return_annotation).replace("Iterator", "AsyncGenerator")
    assert plain == theirs.return_annotation


def test_it_works_without_an_event_loop(service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(task(status="pending"), 202))
    service.on("GET", f"/tasks/{TASK_ID}", ok(task()))
    service.on("GET", f"/tasks/{TASK_ID}/logs", ok({"items": [log_line(1)], "next_after": 1}))
    service.on("GET", f"/tasks/{TASK_ID}/stream", stream(event("end", {"status": "completed"}, 1)))
    with SyncClient(service.url, "tfk_test") as client:
        made = client.submit("hello", {"a": 1})
        assert client.wait(made).result() == {"b": 2}
        assert [line.message for line in client.logs(made)] == ["hello"]
        assert [each.name for each in client.stream(made)] == ["end"]


def test_errors_come_through(service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", problem(404, "no task"))
    with SyncClient(service.url, "tfk_test") as client, pytest.raises(NotFound, match="no task"):
        client.task(TASK_ID)


async def test_it_works_inside_a_running_loop_too(service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(task()))
    with SyncClient(service.url, "tfk_test") as client:
        assert client.task(TASK_ID).completed


def test_its_thread_ends_with_it(service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}/stream", stream(event("log", log_line(1), 1), hold=True))
    with SyncClient(service.url, "tfk_test") as client:
        next(iter(client.stream(TASK_ID)))
    assert "tradefree-client" not in {thread.name for thread in threading.enumerate()}


def test_it_is_not_used_outside_its_context(service: ServiceDouble) -> None:
    with pytest.raises(AssertionError, match="outside its context"):
        SyncClient(service.url, "tfk_test").task(TASK_ID)
