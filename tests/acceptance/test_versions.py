"""A database that was brought to another protocol while processes run: they say so and end, by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from database.servers import empty_database, on_server
from private_servers import redis_url
from tradefree.database.protocol import PROTOCOL
from tradefree.testing.cluster import Cluster, Node

NEXT = PROTOCOL + 1
SENTENCE = f"protocol {NEXT}, this version of tradefree speaks {PROTOCOL}: upgrade tradefree and start again"
pytestmark = pytest.mark.timeout(600)
PATIENCE = 90.0
"""Seconds a process may take to notice (two at most) and to end."""


@pytest.fixture
def database() -> sa.URL:
    return asyncio.run(empty_database("mariadb"))


@pytest.fixture
def cluster(tmp_path: Path, database: sa.URL) -> Iterator[Cluster]:
    with Cluster(tmp_path, database.render_as_string(hide_password=False), redis_url()) as cluster:
        cluster.prepare()
        yield cluster


def test_processes_of_another_protocol_end_with_a_sentence(cluster: Cluster, database: sa.URL) -> None:
    nodes: list[Node] = [cluster.service(), cluster.worker()]
    asyncio.run(on_server(database, f"UPDATE leaders SET protocol = {NEXT}"))
    for node in nodes:
        node.wait(PATIENCE)
        said = node.log.read_text()
        assert node.exit_code not in (0, None), said
        assert SENTENCE in said
        assert "Traceback" not in said
    statuses = asyncio.run(on_server(database, "SELECT status FROM workers"))
    assert [status for (status,) in statuses] == ["left"]
    for node in nodes:
        node.start(wait=False)
        node.wait(PATIENCE)
        assert node.exit_code not in (0, None)
        assert node.log.read_text().count(SENTENCE) == 2, "a start is refused, too"
