"""The OpenAPI document: good enough that a generated client works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from service.service_world import World, a_world
from tradefree.events.schedules.schedule import Schedule
from tradefree.events.trigger import Trigger
from tradefree.limits.caps import Caps
from tradefree.service.models.api_keys import KeyRequest
from tradefree.service.models.batches import BatchItem
from tradefree.service.models.callbacks import PauseRequest, RotateRequest, SubscriptionRequest
from tradefree.service.models.definitions import ConnectionRequest
from tradefree.service.models.events import CloudEvent
from tradefree.service.models.hooks import HookRequest
from tradefree.service.models.limits import LimitRequest, ModeRequest
from tradefree.service.models.questions import AnswerRequest
from tradefree.service.models.schedules import SchedulePauseRequest
from tradefree.service.models.sessions import SignIn
from tradefree.service.models.tasks import RetryRequest, SubmitRequest, TaskAction
from tradefree.service.models.triggers import EnabledRequest, PreviewRequest
from tradefree.tasks.types import TaskType

PACKAGE = "tradefree_ai_task_system_client"

USE = f"""
from {PACKAGE} import AuthenticatedClient
from {PACKAGE}.api.tasks import submit_task, list_tasks, get_task, cancel_task, stream_task
from {PACKAGE}.api.system import get_stats
from {PACKAGE}.models import SubmitRequest, SubmitRequestLabels, TaskDocument, Problem, Status

labels = SubmitRequestLabels.from_dict({{"shop": "sz"}})
body = SubmitRequest(type_="echo", input_data={{"n": 1}}, labels=labels, delay="10m")
client = AuthenticatedClient(base_url="http://127.0.0.1:9", token="k")
print(submit_task._get_kwargs(body=body, idempotency_key="k-1"))
assert "/api/v1/tasks/x" in get_task._get_kwargs("x")["url"]
assert list_tasks._get_kwargs(status=[Status.FAILED])["params"]["status"] == ["failed"]
"""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    return world.app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path


def test_every_guarded_operation_names_its_scope_and_the_ways_to_send_a_key(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"bearer", "api_key", "session"}
    for path, operation in operations(document):
        if path.startswith("/api/") and not path.startswith("/api/v1/console/"):
            assert operation["security"] == [{"bearer": []}, {"api_key": []}, {"session": []}]
            assert "Needs the scope" in operation["description"]
            assert {"401", "403", "503"} <= set(operation["responses"])


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"] == problem, (path, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_body_has_an_example_that_is_accepted(document: dict[str, Any]) -> None:
    models: tuple[type[BaseModel], ...] = (
        SubmitRequest,
        BatchItem,
        RetryRequest,
        AnswerRequest,
        TaskAction,
        ConnectionRequest,
        KeyRequest,
        Caps,
        LimitRequest,
        ModeRequest,
        HookRequest,
        SchedulePauseRequest,
        CloudEvent,
        EnabledRequest,
        PreviewRequest,
        SubscriptionRequest,
        PauseRequest,
        RotateRequest,
        SignIn,
    )
    for model in models:
        for example in document["components"]["schemas"][model.__name__]["examples"]:
            model.model_validate(example)
    checked: dict[tuple[str, str], type[BaseModel]] = {
        ("/api/v1/task-types/{name}", "put"): TaskType,
        ("/api/v1/schedules/{name}", "put"): Schedule,
        ("/api/v1/schedules/preview", "post"): Schedule,
    }
    for (path, method), model in checked.items():
        (example,) = document["paths"][path][method]["requestBody"]["content"]["application/json"]["examples"].values()
        model.model_validate({"name": "t", **example["value"]})
    (example,) = document["components"]["schemas"]["Trigger"]["examples"]
    Trigger.model_validate(example)
    bodies = {o["operationId"] for _, o in operations(document) if "requestBody" in o}
    assert len(bodies) == len(models) + len(checked) + 2, "two kinds of secrets are rotated alike; and a trigger"


def test_the_words_of_the_founding_document_are_there(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["TaskDetail"]["properties"]
    assert {"id", "type", "status", "input_data", "output_data", "error_message", "created_at", "updated_at"} <= set(
        fields
    )
    assert {"attempt_count", "attempts", "status_url", "logs_url", "stream_url", "cancel_url"} <= set(fields)


@pytest.mark.timeout(300)
def test_a_client_can_be_generated_without_a_warning_and_builds_a_request(
    document: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    generated = subprocess.run(
        [
            tools / "openapi-python-client",
            "generate",
            "--path",
            tmp_path / "openapi.json",
            "--output-path",
            tmp_path / "client",
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert generated.returncode == 0, generated.stdout + generated.stderr
    assert "warning" not in generated.stdout.lower(), generated.stdout
    used = subprocess.run(
        [sys.executable, "-c", USE], capture_output=True, text=True, cwd=tmp_path / "client", check=False
    )
    assert used.returncode == 0, used.stderr
    assert "'delay': '10m'" in used.stdout
    assert "'labels': {'shop': 'sz'}" in used.stdout
    assert "'Idempotency-Key': 'k-1'" in used.stdout
