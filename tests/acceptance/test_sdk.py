"""The SDK on a running system."""

from __future__ import annotations

from typing import Any

import pytest

from acceptance.processes import System
from tradefree.client import Client, Conflicting, InvalidRequest, SyncClient


def client_of(system: System) -> SyncClient:
    return SyncClient(str(system.api.base_url), system.key)


def test_a_program_runs_a_task_for_each_input_and_none_twice(system: System) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    system.define("double", runner="echo", input_schema=schema)
    inputs: list[Any] = [{"n": n} for n in range(700)] + [{"n": "one"}]
    with client_of(system) as client:
        outcomes = client.map("double", inputs, once="test", labels={"for": "sdk"})
        assert [outcome.result() for outcome in outcomes[:-1]] == inputs[:-1]
        refused = outcomes[-1].error
        assert isinstance(refused, InvalidRequest)
        assert refused.field == "input_data/n"
        again = client.map("double", inputs[:10], once="test", labels={"for": "sdk"})
        assert all(outcome.replayed for outcome in again)
        assert len(list(client.tasks(labels={"for": "sdk"}))) == 700


async def test_a_program_watches_cancels_and_retries(system: System) -> None:
    system.define("hello", runner="echo")
    async with Client(str(system.api.base_url), system.key) as client:
        later = await client.submit("hello", {"a": 1}, delay="1h")
        assert (await client.cancel(later)).status == "cancelled"
        assert (await client.cancel(later)).status == "cancelled"
        await client.retry(later)
        names = [event.name async for event in client.stream(later)]
        assert names[-1] == "end"
        ended = await client.wait(later)
        assert ended.result() == {"a": 1}
        assert "cancel" in " ".join([line.message.lower() async for line in client.logs(later)])
        with pytest.raises(Conflicting, match="already completed"):
            await client.cancel(later)
