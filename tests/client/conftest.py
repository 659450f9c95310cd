"""A double of the service, and clients of both kinds that repeat without a pause."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from cli.service_double import ServiceDouble
from tradefree.client import Client, stream, transport

KEY = "tfk_test"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PAUSE", 0.0)
    monkeypatch.setattr(stream, "RETRY", 0.0)


@pytest.fixture
def service() -> Iterator[ServiceDouble]:
    with ServiceDouble() as double:
        yield double


@pytest.fixture
async def client(service: ServiceDouble) -> AsyncIterator[Client]:
    async with Client(service.url, KEY) as client:
        yield client
