"""A Redis of one's own to kill, and the shared one for everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.talk import client
from private_servers import redis_url
from tradefree.testing.servers import Redis


@pytest.fixture
def url() -> str:
    """An empty database of the private Redis."""
    url = redis_url()
    with client(url) as cleaning:
        cleaning.flushdb()
    return url


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A Redis that only this test knows."""
    with Redis() as server:
        yield server
        server.thaw()
