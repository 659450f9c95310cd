from __future__ import annotations

from typing import Any

import pytest

from cli.service_double import TASK_ID, Answer, Asked, ServiceDouble, event, ok, problem, stream, task
from tradefree.client import Client, InvalidInput, InvalidRequest, KeyRefused, NewTask, Outcome, TaskFailed


class Store:
    """Takes batches as the service does: the same key makes the same task; 7 is refused."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def __call__(self, asked: Asked) -> Answer:
        items = [self._take(index, line) for index, line in enumerate(asked.lines)]
        return ok({"accepted": 0, "rejected": 0, "items": items}, 202)

    def _take(self, index: int, line: Any) -> dict[str, Any]:
        if line.get("input_data") == 7:
            error = {
                "title": "No",
                "status": 422,
                "detail": "seven",
                "errors": [{"field": "input_data", "reason": "7"}],
            }
            return {"index": index, "status": "rejected", "task": None, "error": error}
        key = line["idempotency_key"]
        status = "replayed" if key in self.ids else "accepted"
        made = self.ids.setdefault(key, f"{TASK_ID[:-6]}{len(self.ids):06d}")
        return {"index": index, "status": status, "task": task(id=made, status="pending"), "error": None}


@pytest.fixture
def store(service: ServiceDouble) -> Store:
    store = Store()
    service.on("POST", "/tasks/batch", store)
    return store


def ends(service: ServiceDouble, outcome: Outcome, **how: Any) -> None:
    """The task is about to end so."""
    assert outcome.task is not None
    path = f"/tasks/{outcome.task.id}"
    service.on("GET", path, ok(task(id=outcome.task.id, status="processing")), ok(task(id=outcome.task.id, **how)))
    service.on("GET", f"{path}/stream", stream(event("end", {"status": "completed"}, 1)))


async def test_each_has_an_outcome_in_its_place(client: Client, store: Store) -> None:
    values = [1, 7, float("nan"), 3]
    outcomes = await client.submit_many(NewTask("hello", value) for value in values)
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
    assert [outcome.task is not None for outcome in outcomes] == [True, False, False, True]
    assert isinstance(outcomes[1].error, InvalidRequest)
    assert outcomes[1].error.field == "input_data"
    assert isinstance(outcomes[2].error, InvalidInput)
    with pytest.raises(InvalidRequest, match="seven"):
        outcomes[1].result()


async def test_many_go_in_batches_and_equal_ones_are_different_tasks(
    client: Client, service: ServiceDouble, store: Store
) -> None:
    outcomes = await client.submit_many([NewTask("hello", n % 5) for n in range(1001)])
    assert [len(asked.lines) for asked in service.all("/tasks/batch")] == [500, 500, 1]
    assert sum(outcome.task is not None for outcome in outcomes) == 1001
    assert len(store.ids) == 1001


async def test_a_repeated_batch_makes_nothing_twice(client: Client, service: ServiceDouble) -> None:
    store = Store()

    def lost(asked: Asked) -> Answer:
        store(asked)
        return problem(502, "the proxy lost it")

    service.on("POST", "/tasks/batch", lost, store)
    outcomes = await client.submit_many([NewTask("hello", n) for n in range(3)])
    assert [outcome.replayed for outcome in outcomes] == [True] * 3
    assert len(store.ids) == 3


async def test_a_refused_batch_is_an_error(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/tasks/batch", problem(403, "this key has no scope 'tasks:write'"))
    with pytest.raises(KeyRefused, match="tasks:write"):
        await client.submit_many([NewTask("hello")])


async def test_map_waits_for_all_in_the_order_of_the_inputs(
    client: Client, service: ServiceDouble, store: Store
) -> None:
    first = await client.submit_many([NewTask("hello", n, {"idempotency_key": f"k-{n}"}) for n in range(2)])
    ends(service, first[0], output_data="zero")
    ends(service, first[1], status="failed", error_message="It broke.", output_data=None)
    outcomes = await client._wait_all(first, lambda _: None)
    assert outcomes[0].result() == "zero"
    with pytest.raises(TaskFailed, match="It broke"):
        outcomes[1].result()


async def test_map_once_finds_what_ran_before(client: Client, service: ServiceDouble, store: Store) -> None:
    for number in range(3):
        made = f"{TASK_ID[:-6]}{number:06d}"
        service.on("GET", f"/tasks/{made}", ok(task(id=made, output_data=number)))
    first = await client.map("hello", ["a", "b"], once="import-1", priority=1)
    again = await client.map("hello", ["b", "c", "a"], once="import-1", priority=1)
    assert [outcome.replayed for outcome in again] == [True, False, True]
    assert [outcome.result() for outcome in first] == [0, 1]
    assert [outcome.result() for outcome in again] == [1, 2, 0]


async def test_map_without_a_name_runs_all_again(client: Client, service: ServiceDouble, store: Store) -> None:
    for number in range(2):
        made = f"{TASK_ID[:-6]}{number:06d}"
        service.on("GET", f"/tasks/{made}", ok(task(id=made)))
    await client.map("hello", ["a"])
    (again,) = await client.map("hello", ["a"])
    assert not again.replayed


async def test_nothing_makes_nothing(client: Client, service: ServiceDouble) -> None:
    assert await client.map("hello", []) == []
    assert service.asked == []


async def test_what_goes_wrong_while_waiting_is_said_as_it_is(
    client: Client, service: ServiceDouble, store: Store
) -> None:
    with pytest.raises(Exception, match="the double knows no GET") as caught:
        await client.map("hello", [1, 2, 3])
    assert not isinstance(caught.value, ExceptionGroup)
