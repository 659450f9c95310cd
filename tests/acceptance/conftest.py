"""Each test has its own system, its own stand-in Dify and its own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from acceptance.processes import Standin, System


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_system(tmp_path: Path, stack: ExitStack) -> Callable[..., System]:
    """Starts a system; whatever process it then has is killed at the end."""

    def start(**settings: Any) -> System:
        system = System(tmp_path, **settings)
        stack.callback(lambda: system.process.kill())
        return system

    return start


@pytest.fixture
def system(start_system: Callable[..., System]) -> System:
    return start_system()


@pytest.fixture
def start_standin(tmp_path: Path, stack: ExitStack) -> Callable[..., Standin]:
    """Starts a stand-in Dify with one app, whose one node works ``{seconds}``. ``port``: 0 takes a free one."""

    def start(*, port: int = 0, connections: int | None = None, **app: Any) -> Standin:
        node = {"id": "think", "type": "llm", "title": "Think", "seconds": "{seconds}", "tokens": 100}
        inputs = [{"name": "seconds", "type": "number", "required": True}, {"name": "text"}, {"name": "standin"}]
        described = {"name": "work", "key": "app-work", "inputs": inputs, "nodes": [node], **app}
        standin = Standin(tmp_path, {"apps": [described], "connections": connections}, port)
        stack.callback(lambda: standin.process.kill())
        return standin

    return start


@pytest.fixture
def standin(start_standin: Callable[..., Standin]) -> Standin:
    return start_standin()
