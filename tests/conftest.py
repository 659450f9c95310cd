"""One host of private servers for the whole run, in pytest's main process, and how a parallel run is shared out."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

from private_servers import Host
from shares import Shares

_host = pytest.StashKey[Host]()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: one of them is in the storms, which wait most of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares | None:
    return Shares(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Storms and browsers first: they take longest, and nobody can help with them."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_collection_finish() -> None:
    """Thousands of tests are there for good: looking through them for garbage takes a fifth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_host] = Host()
        config.stash[_host].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (host := config.stash.get(_host, None)) is not None:
        host.stop()
