"""A value that does not fit into what the server takes at once fails alone, instead of looking like an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from database.servers import OWN, on_server, own_server
from stores.acts import Acts
from tradefree.access.secrets import SecretBox, new_key
from tradefree.database.migrate import upgrade
from tradefree.database.store import SqlStore
from tradefree.errors import TooLarge
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.outcome import Completed, Report
from tradefree.tasks.ports import Accepted, Submission
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.testing.clock import FrozenClock
from tradefree.testing.doubles import RecordingSignals
from tradefree.worker.writer import Writer

PACKET = 1_048_576
"""Bytes that the server takes at once."""
QUOTES = '"' * (PACKET // 3)
"""Less than that, but not as the server gets it: each becomes several bytes."""


@pytest.fixture(scope="module", params=OWN)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with own_server(request.param) as server:
        root = server.url("mysql")
        asyncio.run(on_server(root, f"SET GLOBAL max_allowed_packet = {PACKET}", "CREATE DATABASE packets"))
        yield server.url("packets")


@pytest.fixture
async def acts(url: str) -> AsyncIterator[Acts]:
    clock = FrozenClock()
    store = SqlStore(sa.make_url(url), clock, SecretBox(new_key()))
    await upgrade(store.database)
    store.database.time_is_the_clocks()
    yield Acts(store, clock)
    await store.close()


@pytest.mark.parametrize("large", ["x" * PACKET, QUOTES], ids=["plain", "escaped"])
async def test_an_input_that_is_too_large_is_refused_alone(acts: Acts, large: str) -> None:
    tasks = [acts.task(input_data={"text": text}) for text in ("a", large, "b", "c")]
    outcomes = await acts.store.submit([Submission(task) for task in tasks])
    assert [type(outcome) for outcome in outcomes] == [Accepted, TooLarge, Accepted, Accepted]
    assert f"input_data: is larger than what the database server takes (max_allowed_packet={PACKET})" in str(
        outcomes[1]
    )
    assert [await acts.store.task(task.id) is not None for task in tasks] == [True, False, True, True]


@pytest.mark.parametrize("large", ["x" * PACKET, QUOTES], ids=["plain", "escaped"])
async def test_a_result_that_is_too_large_fails_alone(acts: Acts, large: str) -> None:
    tasks = [await acts.running() for _ in range(4)]
    writer = Writer(
        acts.store,
        Catalog(acts.store, acts.clock),
        RecordingSignals(),
        acts.clock,
        resumable=frozenset(),
        max_output_bytes=10 * PACKET,
        well=lambda: True,
    )

    async def finish(task: Task, result: str) -> None:
        await writer.finish(task, Report(task.id, task.attempt_count, "w1", Completed(result)))

    with capture_logs():
        await asyncio.gather(*map(finish, tasks, ("a", large, "b", "c")))
    seen = [await acts.see(task) for task in tasks]
    assert [task.output_data for task in seen] == ["a", None, "b", "c"]
    assert (seen[1].status, seen[1].error_code) == (Status.FAILED, "result_unstorable")
    assert "max_allowed_packet" in str(seen[1].error_message)
