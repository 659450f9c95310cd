"""The files of ``tradefree apply``: connections and task types as operators write them, checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tradefree.cli.strict_yaml import read
from tradefree.errors import InvalidInput, TradefreeError
from tradefree.tasks.ports import Runner
from tradefree.tasks.types import Connection, TaskType

SECTIONS: dict[str, type[Connection] | type[TaskType]] = {"connections": Connection, "task_types": TaskType}

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
    task_types: dict[str, TaskType] = field(default_factory=dict)
    origin: dict[str, Path] = field(default_factory=dict)
    """The file of each ``section/name``."""

    def check(self, runners: Mapping[str, Runner], connections: Collection[str]) -> None:
        """Raise InvalidManifest unless every type's runner is there, agrees to it and has its connection.

        ``connections`` are the names of those that are stored already.
        """
        problems: list[str] = []
        for name, task_type in self.task_types.items():
            where = f"{self.origin[f'task_types/{name}']}: task_types/{name}"
            if task_type.connection not in (None, *self.connections, *connections):
                problems.append(f"{where}/connection: no connection {task_type.connection!r} is defined")
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
        if section == "connections":
            manifest.connections[name] = Connection.model_validate({**entry, "name": name})
        else:
            manifest.task_types[name] = TaskType.model_validate({**entry, "name": name})
    except ValidationError as error:
        return [f"{path}: {_path(key, detail)}: {_reason(detail)}" for detail in error.errors(include_input=False)]
    return []


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
