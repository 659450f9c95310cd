"""Which runners there are: the built-in ones and those that installed packages offer by entry point."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

from tradefree.errors import SettingsError
from tradefree.runners.echo import EchoRunner
from tradefree.tasks.ports import Runner
from tradefree.tasks.types import BUILT_IN

GROUP = "tradefree.runners"


def load_runners(built_in: Iterable[Runner] = ()) -> dict[str, Runner]:
    """Runners by name. SettingsError names an entry point that cannot be loaded or is no runner."""
    runners: dict[str, Runner] = {runner.name: runner for runner in (EchoRunner(), *built_in)}
    for entry in entry_points(group=GROUP):
        if entry.name in BUILT_IN:
            raise SettingsError(f"runner {entry.name!r} ({entry.value}) has a name that is the system's own")
        if entry.name in runners:
            raise SettingsError(f"runner {entry.name!r} is defined twice; the second is {entry.value}")
        try:
            runner = entry.load()
        except Exception as error:
            raise SettingsError(f"runner {entry.name!r} ({entry.value}) cannot be loaded: {error!r}") from error
        if not all(hasattr(runner, name) for name in ("run", "stop", "check", "resumable")):
            raise SettingsError(f"runner {entry.name!r} ({entry.value}) is not a runner; decorate it with @runner")
        runner.name = entry.name
        runners[entry.name] = runner
    return runners
