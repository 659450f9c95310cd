"""POST /tasks/{id}/answers and the form on GET /tasks/{id}."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.tasks.questions import Action, Field, Question
from tradefree.tasks.states import Status

FORM = Question("Approve", "Buy?", (Field("buyer"),), (Action("approve", "Yes"),), secret={"token": "s3cret"})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
async def task(world: World) -> str:
    task_id = str((await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"])
    await world.move(task_id, Status.AWAITING_INPUT, question=FORM.stored(1))
    return task_id


async def test_the_form_is_shown_without_its_secret(world: World, task: str) -> None:
    answer = await world.api.get(f"{API}/tasks/{task}")
    question = answer.json()["question"]
    assert (question["id"], question["title"], question["content"]) == (1, "Approve", "Buy?")
    assert question["fields"] == [{"name": "buyer", "kind": "text", "default": None, "required": True}]
    assert question["actions"] == [{"id": "approve", "title": "Yes"}]
    assert "s3cret" not in answer.text
    reader = await world.as_key(Scope.TASKS_READ)
    assert (await reader.get(f"{API}/tasks/{task}")).json()["question"] is None


async def test_an_answer_is_stored_and_a_second_is_told_so(world: World, task: str) -> None:
    body = {"action": "approve", "inputs": {"buyer": "Li"}, "question_id": 1}
    answer = await world.api.post(f"{API}/tasks/{task}/answers", json=body)
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    assert answer.json()["question"]["answer"]["inputs"] == {"buyer": "Li"}
    second = await world.api.post(f"{API}/tasks/{task}/answers", json=body)
    assert second.status_code == 409
    assert "was answered already" in second.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "no", "inputs": {"buyer": "Li"}}, "action"),
        ({"action": "approve"}, "inputs/buyer"),
        ({"action": "approve", "inputs": {"buyer": ["Li"]}}, "inputs/buyer"),
        ({"action": "approve", "inputs": []}, "inputs"),
        ({"inputs": {}}, "action"),
        ({"action": "approve", "colour": 1}, "colour"),
    ],
)
async def test_a_wrong_answer_names_the_field(world: World, task: str, body: object, field: str) -> None:
    answer = await world.api.post(f"{API}/tasks/{task}/answers", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_reader_may_not_answer(world: World, task: str) -> None:
    reader = await world.as_key(Scope.TASKS_READ)
    answer = await reader.post(f"{API}/tasks/{task}/answers", json={"action": "approve"})
    assert answer.status_code == 403
