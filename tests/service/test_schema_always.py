"""Every operation of the OpenAPI document, with generated requests, good and bad: no accident, no answer that the
document does not know, no body that does not fit it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from service.service_world import API, ENDLESS, World, a_world
from tradefree.service.openapi import operations

EXAMPLES = 12
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
NAMES = sorted(r.operation_id or "" for _, _, r, _ in operations() if r.include_in_schema)


class Running:
    """A world in an event loop of its own, so that generated examples can use it one after another."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = self._filled()
        self.world = self._runner.run(self._stack.__aenter__())
        document = self._runner.run(self.world.api.get("/openapi.json")).json()
        self.schema = schemathesis.openapi.from_dict(document)

    @asynccontextmanager
    async def _filled(self) -> AsyncIterator[World]:
        """There is one of each, so that paths lead somewhere."""
        async with a_world() as world:
            for path, body in (
                ("connections/a", {"base_url": "http://127.0.0.1:9/v1", "api_key": "app-x"}),
                ("hooks/a", {"preset": "github", "secrets": ["0123456789abcdef"]}),
                ("schedules/a", {"cron": "0 3 * * *", "event": {"type": "a"}}),
                ("subscriptions/a", {"url": "https://hooks.test/x"}),
                ("triggers/a", {"event": "a", "task_type": "echo"}),
            ):
                answer = await world.api.put(f"{API}/{path}", json=body)
                assert answer.status_code == 201, answer.text
            yield world

    def send(self, **request: Any) -> httpx.Response:
        return self._runner.run(self.world.api.request(**request))

    def close(self) -> None:
        self._runner.run(self._stack.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ENDLESS])
def test_every_answer_is_one_that_the_document_knows(running: Running, name: str, mode: GenerationMode) -> None:
    operation = running.schema.find_operation_by_id(name)

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def every(case: Any) -> None:
        request = case.as_transport_kwargs(base_url="http://service")
        request = {part: value for part, value in request.items() if part in httpx_parts and value is not None}
        try:
            response = running.send(**translated(request))
        except (httpx.InvalidURL, UnicodeEncodeError, httpx.LocalProtocolError):
            return  # no client could send it
        case.validate_response(response, checks=CHECKS)

    try:
        every()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "nothing that is asked can be wrong"


httpx_parts = {"method", "url", "headers", "params", "json", "data", "content", "cookies"}


def translated(request: dict[str, Any]) -> dict[str, Any]:
    """What requests calls ``data`` is ``content`` here, unless it is a form."""
    if isinstance(request.get("data"), str | bytes):
        request["content"] = request.pop("data")
    request["headers"] = {k: v for k, v in dict(request.get("headers") or {}).items() if k.lower() != "authorization"}
    return request
