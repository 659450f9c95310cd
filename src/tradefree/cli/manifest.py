"""The files of ``tradefree apply``: what operators define, as they write it, checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tradefree.cli.strict_yaml import read
from tradefree.errors import InvalidInput, TradefreeError
from tradefree.events.hooks.hook import Hook
from tradefree.events.schedules.schedule import Schedule
from tradefree.events.trigger import Trigger
from tradefree.limits.caps import Caps
from tradefree.limits.scopes import Scope, parse_scope
from tradefree.tasks.callbacks.subscription import Subscription
from tradefree.tasks.callbacks.subscriptions import check_secret
from tradefree.tasks.endpoints import Endpoints, with_schema
from tradefree.tasks.limiting import BY_THEMSELVES, check_name
from tradefree.tasks.ports import Runner, UrlGuard
from tradefree.tasks.types import Connection, TaskType

SECTIONS = ("connections", "limits", "task_types", "triggers", "hooks", "schedules", "subscriptions")

M = TypeVar("M", bound=BaseModel)


class InvalidManifest(TradefreeError):
    """Everything that is wrong with the files, one line each. Nothing was written."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class Manifest:
    """What the files define."""

    connections: dict[str, Connection] = field(default_factory=dict)
    limits: dict[Scope, Caps] = field(default_factory=dict)
    task_types: dict[str, TaskType] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    """Signing secrets of subscriptions, of those that say one."""
    origin: dict[str, Path] = field(default_factory=dict)
    """The file of each ``section/name``."""

    def check(
        self,
        runners: Mapping[str, Runner],
        connections: Collection[str],
        limits: Collection[Scope] = (),
        task_types: Collection[str] = (),
    ) -> None:
        """Raise InvalidManifest unless every type's runner is there, agrees to it and has its connection and limits,
        and every trigger its task type.

        ``connections``, ``limits`` and ``task_types`` are those that are stored already.
        """
        problems = self._without_type({*self.task_types, *task_types})
        for name, task_type in self.task_types.items():
            where = f"{self.origin[f'task_types/{name}']}: task_types/{name}"
            if task_type.connection not in (None, *self.connections, *connections):
                problems.append(f"{where}/connection: no connection {task_type.connection!r} is defined")
            missing = [name for name in task_type.limits if Scope("limit", name) not in (*self.limits, *limits)]
            problems += [f"{where}/limits: no limit {name!r} is defined" for name in missing]
            if task_type.runner not in runners:
                known = ", ".join(sorted(runners))
                problems.append(f"{where}/runner: no runner {task_type.runner!r} is installed; known: {known}")
                continue
            try:
                runners[task_type.runner].check(task_type)
            except InvalidInput as error:
                problems.append(f"{'/'.join(filter(None, [where, error.field]))}: {error.reason}")
        if problems:
            raise InvalidManifest(problems)

    def check_schedules(self, schedules: Mapping[str, Schedule], now: datetime) -> None:
        """Raise InvalidManifest if one would never run. ``schedules`` are those that are stored already."""
        problems = []
        for name, schedule in self.schedules.items():
            try:
                schedule.refuse_past(schedules.get(name), now)
            except InvalidInput as error:
                problems.append(f"{self.origin[f'schedules/{name}']}: schedules/{name}/{error.field}: {error.reason}")
        if problems:
            raise InvalidManifest(problems)

    def _without_type(self, task_types: Collection[str]) -> list[str]:
        """What is wrong with triggers whose task type is not there."""
        return [
            f"{self.origin[f'triggers/{name}']}: triggers/{name}/task_type: no task type {trigger.task_type!r} "
            "is defined"
            for name, trigger in self.triggers.items()
            if trigger.task_type not in task_types
        ]

    def check_addresses(self, guard: UrlGuard) -> None:
        """Raise InvalidManifest unless callbacks may go where subscriptions say."""
        problems: list[str] = []
        for name, subscription in self.subscriptions.items():
            try:
                guard.check(subscription.url, field="url")
            except InvalidInput as error:
                problems.append(f"{self.origin[f'subscriptions/{name}']}: subscriptions/{name}/url: {error.reason}")
        if problems:
            raise InvalidManifest(problems)

    async def derive_schemas(self, endpoints: Mapping[str, Endpoints], connections: Mapping[str, Connection]) -> None:
        """Ask the apps of types with ``from-app`` for their schemas. Raises InvalidManifest with every problem."""
        problems: list[str] = []
        for name, task_type in self.task_types.items():
            try:
                self.task_types[name] = await with_schema(endpoints, {**connections, **self.connections}, task_type)
            except InvalidInput as error:
                problems.append(f"{self.origin[f'task_types/{name}']}: task_types/{name}/{error.field}: {error.reason}")
        if problems:
            raise InvalidManifest(problems)


def load(paths: Sequence[Path], env: Mapping[str, str]) -> Manifest:
    """Read and check files. InvalidManifest has every problem of all of them; OSError if one cannot be read."""
    manifest = Manifest()
    problems: list[str] = []
    for path in paths:
        value, found = read(path, env)
        problems += found or _sections(manifest, path, value)
    if problems:
        raise InvalidManifest(problems)
    return manifest


def _sections(manifest: Manifest, path: Path, value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: should have the sections {' and '.join(SECTIONS)}"]
    problems: list[str] = []
    for section, entries in value.items():
        if section not in SECTIONS:
            problems.append(f"{path}: {section}: is not a known section; known: {', '.join(SECTIONS)}")
        elif not isinstance(entries, dict | None):
            problems.append(f"{path}: {section}: should be names with what they define")
        else:
            for name, entry in (entries or {}).items():
                problems += _entry(manifest, path, section, name, entry)
    return problems


def _entry(manifest: Manifest, path: Path, section: str, name: Any, entry: Any) -> list[str]:
    key = f"{section}/{name}"
    if not isinstance(name, str):
        return [f"{path}: {key}: a name is text; put it in quotes"]
    if not isinstance(entry, dict):
        return [f"{path}: {key}: should be fields with values"]
    if "name" in entry:
        return [f"{path}: {key}/name: leave it out; the name stands in front"]
    if key in manifest.origin:
        return [f"{path}: {key}: is defined in {manifest.origin[key]}, too"]
    manifest.origin[key] = path
    try:
        _define(manifest, section, name, entry)
    except InvalidInput as error:
        return [f"{path}: {'/'.join(filter(None, [key, error.field]))}: {error.reason}"]
    except ValidationError as error:
        return [f"{path}: {_path(key, detail)}: {_reason(detail)}" for detail in error.errors(include_input=False)]
    return []


def _define(manifest: Manifest, section: str, name: str, entry: dict[str, Any]) -> None:
    """Add one definition. Raises InvalidInput or ValidationError."""
    named = {**entry, "name": name}
    match section:
        case "connections":
            manifest.connections[name] = Connection.model_validate(named)
        case "limits":
            manifest.limits[_limit_scope(name)] = Caps.model_validate(entry)
        case "triggers":
            manifest.triggers[name] = Trigger.model_validate(named)
        case "hooks":
            manifest.hooks[name] = Hook.model_validate(named)
        case "schedules":
            manifest.schedules[name] = Schedule.model_validate(named)
        case "subscriptions":
            _subscription(manifest, name, entry)
        case _:
            manifest.task_types[name] = TaskType.model_validate(named)


def _subscription(manifest: Manifest, name: str, entry: dict[str, Any]) -> None:
    """Raises InvalidInput or ValidationError. The secret is kept apart: it is no part of the definition."""
    rules = {field: value for field, value in entry.items() if field != "secret"}
    manifest.subscriptions[name] = Subscription.model_validate({**rules, "name": name})
    if "secret" in entry:
        check_secret(str(entry["secret"]))
        manifest.secrets[name] = str(entry["secret"])


def _limit_scope(name: str) -> Scope:
    """``everything``, ``queue:NAME``, or the name of a shared limit. Raises InvalidInput."""
    scope = parse_scope(name) if name == "everything" or ":" in name else Scope("limit", name)
    if scope.kind not in BY_THEMSELVES:
        raise InvalidInput(f"caps of a {scope.kind} stand with its own definition; here: everything, queue:NAME, NAME")
    check_name(scope)
    return scope


def _path(key: str, detail: Any) -> str:
    return "/".join([key, *(str(part) for part in detail["loc"] if part != "name")])


def _reason(detail: Any) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return "is not a known field"
        case "missing":
            return "is required"
        case "string_pattern_mismatch" if detail["loc"] == ("name",):
            return "is not a good name: lower-case letters, digits, `.`, `_`, `-`; at most 63 characters"
    reason: str = detail["msg"].removeprefix("Value error, ")
    return reason.removeprefix("Input ").removeprefix("String ")
