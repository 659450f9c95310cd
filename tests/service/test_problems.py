"""Every answer that is not a success is a problem document with a request id, and tells nothing it should not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from service.service_world import API, World, a_world
from tradefree import errors
from tradefree.access.scopes import Scope
from tradefree.errors import (
    BacklogFull,
    Conflict,
    Failed,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    LeadershipLost,
    NotFound,
    RateLimited,
    Refused,
    SettingsError,
    StorageUnavailable,
    TaskFailed,
    TradefreeError,
    Unauthorized,
)
from tradefree.service.problems import problem_of
from tradefree.service.refusals import BadParameter, BodyTooLarge, NotJson, UnsupportedMedia


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("no", field="a/b"), 422),
        (IdempotencyMismatch("no", field="k"), 422),
        (NotFound("no"), 404),
        (Conflict("no"), 409),
        (Unauthorized("no"), 401),
        (Forbidden("no"), 403),
        (StorageUnavailable("no"), 503),
        (NotJson("no"), 400),
        (BadParameter("no", field="cursor"), 400),
        (BodyTooLarge("no"), 413),
        (UnsupportedMedia("no"), 415),
        (SettingsError("TRADEFREE_SECRET_KEY: …"), 500),
        (LeadershipLost("…"), 500),
        (Failed("…"), 500),
        (ValueError("a secret"), 500),
    ],
)
def test_the_tree_of_errors_is_mapped_once(error: Exception, status: int) -> None:
    problem = problem_of(error)
    assert problem.status == status
    assert problem.type.startswith("urn:tradefree:problem:")
    assert [e.reason for e in problem.errors] == (["no"] if isinstance(error, InvalidInput) else [])
    if status == 500:
        assert str(error) not in problem.detail


def test_a_new_error_in_the_tree_must_be_mapped_or_named_here() -> None:
    branches = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__base__ is TradefreeError]
    made = {
        BacklogFull: ("x", 1),
        RateLimited: ("this key may make 1/s requests", 1.0),
        Refused: ("x", 400),
        TaskFailed: ("t", "failed", "x", "x"),
    }
    unmapped = {kind.__name__ for kind in branches if problem_of(kind(*made.get(kind, ("x",)))).status == 500}
    clients = {"ServiceUnavailable", "Refused", "TaskFailed", "NotEnded"}
    assert unmapped == clients | {"SettingsError", "Outdated", "BackupDamaged", "LeadershipLost", "RunnerError"}


async def test_an_accident_tells_nothing_but_its_request_id(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(world.system.store, "counts", broken)
    with capture_logs() as logged:
        answer = await world.api.get(f"{API}/stats", headers={"X-Request-Id": "mine-1"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "mine-1"
    assert "hunter2" not in answer.text
    assert [(entry["event"], entry["path"]) for entry in logged] == [("request failed", f"{API}/stats")]
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_database_that_is_away_is_503_and_says_when_to_try_again(world: World) -> None:
    await world.api.get(f"{API}/tasks")  # the key is known now
    world.system.store.away = True
    answer = await world.api.get(f"{API}/tasks")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    world.system.store.away = False
    assert (await world.api.get(f"{API}/tasks")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", f"{API}/nowhere", 404),
        ("GET", f"{API}/tasks/", 404),
        ("DELETE", f"{API}/tasks", 405),
        ("PATCH", "/healthz", 405),
    ],
)
async def test_paths_and_methods_that_are_not_there(world: World, method: str, path: str, status: int) -> None:
    answer = await world.api.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["Allow"]


async def test_every_answer_has_a_request_id(world: World) -> None:
    for path in ("/", "/healthz", "/docs", "/openapi.json", "/nowhere", f"{API}/tasks"):
        first, second = await world.api.get(path), await world.api.get(path)
        assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"], path


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
async def test_a_request_id_that_is_not_plain_is_replaced(world: World, given: str) -> None:
    answer = await world.api.get("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 36


async def test_long_fields_are_cut(world: World) -> None:
    answer = await world.api.post(
        f"{API}/tasks", json={"type": "echo", "x" * 10_000: 1, **{f"f{n}": n for n in range(50)}}
    )
    problem = answer.json()
    assert answer.status_code == 422
    assert len(answer.content) < 20_000
    assert len(problem["errors"]) == 20
    assert max(len(error["field"]) for error in problem["errors"]) == 300


@pytest.mark.parametrize(
    ("body", "code", "facts"),
    [
        ({}, "missing", None),
        ({"type": "echo", "priority": 500}, "less_than_equal", {"le": 100}),
        ({"type": "echo", "delay": "soon"}, "duration", None),
        ({"type": "echo", "concurrency_key": "k" * 256}, "string_too_long", {"max_length": 255}),
        ({"type": "strict", "input_data": {"n": 5}}, "maximum", {"limit": 3}),
        ({"type": "strict", "input_data": {"kind": 1}}, "enum", {"expected": "a, b"}),
        ({"type": "nobody"}, "unknown", {"known": "echo, strict"}),
    ],
)
async def test_a_reason_has_a_code_and_its_facts(
    world: World, body: dict[str, object], code: str, facts: dict[str, object] | None
) -> None:
    schema = {"properties": {"n": {"maximum": 3}, "kind": {"enum": ["a", "b"]}}}
    await world.api.put(f"{API}/task-types/strict", json={"runner": "echo", "input_schema": schema})
    (error,) = (await world.api.post(f"{API}/tasks", json=body)).json()["errors"]
    assert (error["code"], error.get("facts")) == (code, facts)


async def test_a_refusal_has_a_code_and_its_facts(world: World) -> None:
    reader = await world.as_key(Scope.TASKS_READ)
    refused = (await reader.post(f"{API}/tasks", json={"type": "echo"})).json()
    assert (refused["code"], refused["facts"]) == ("no_scope", {"scope": "tasks:write"})
    unknown = (await world.api.get(f"{API}/tasks/{'0' * 8}-0000-7000-8000-{'0' * 12}")).json()
    assert "code" not in unknown
