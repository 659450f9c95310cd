"""The runner of deliveries is nobody else's."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from tradefree.callbacks.runner import CallbackRunner
from tradefree.errors import InvalidInput, SettingsError
from tradefree.runners import registry
from tradefree.tasks.callbacks.delivery import CALLBACK_TYPE
from tradefree.tasks.types import TaskType


def test_an_installed_runner_cannot_take_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("callback", "tradefree.runners.echo:EchoRunner", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    with pytest.raises(SettingsError, match=r"'callback' .* the system's own"):
        registry.load_runners()


def test_it_is_for_the_built_in_type_alone() -> None:
    runner = CallbackRunner.__new__(CallbackRunner)
    runner.check(CALLBACK_TYPE)
    with pytest.raises(InvalidInput, match="the system's own"):
        runner.check(TaskType(name="x", runner="callback"))
