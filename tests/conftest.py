"""One host of private servers for the whole run, in pytest's main process."""

from __future__ import annotations

import pytest

from private_servers import Host

_host = pytest.StashKey[Host]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_host] = Host()
        config.stash[_host].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (host := config.stash.get(_host, None)) is not None:
        host.stop()
