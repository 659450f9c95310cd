"""One host of private servers for the whole run, in pytest's main process."""

from __future__ import annotations

import os

import pytest

from private_servers import Host

_host = pytest.StashKey[Host]()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: one of them is in the storms, which wait most of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_host] = Host()
        config.stash[_host].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (host := config.stash.get(_host, None)) is not None:
        host.stop()
