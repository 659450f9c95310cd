"""docs/configuration.md lists exactly what there is to set, with the right defaults."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.pages import DOCS, bare, rows, section
from tradefree.access.scopes import Scope
from tradefree.dify.options import ChatOptions, CompletionOptions, WorkflowOptions
from tradefree.events.hooks.hook import Hook, HookEvent, HookSignature
from tradefree.events.schedules.schedule import Schedule, ScheduledEvent
from tradefree.events.trigger import Trigger
from tradefree.settings import Settings
from tradefree.tasks.durations import parse_duration
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.types import Concurrency, Connection, TaskType

PAGE = DOCS / "configuration.md"


def table(page: Path, heading: str, column: str) -> dict[str, str]:
    """Names and defaults of the first table below a heading."""
    found: dict[str, str] = {}
    inside = False
    for line in section(page, heading).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if inside and line.startswith("| `"):
            found[bare(cells[0])] = cells[1]
        elif inside and found:
            break
        inside = inside or cells[:2] == [column, "default"]
    return found


def default_of(field: FieldInfo) -> object:
    return (
        "required"
        if field.default is PydanticUndefined and field.default_factory is None
        else field.get_default(call_default_factory=True, validated_data={})
    )


def says(shown: str, default: object) -> bool:
    """True if a cell shows this default."""
    if shown in ("required", "none"):
        return default == "required" if shown == "required" else default is None
    if isinstance(default, BaseModel):
        return shown == "see below"
    text = bare(shown)
    if isinstance(default, bool):
        return text == str(default).lower()
    if isinstance(default, float):
        return bool(default == (float(text) if text.replace(".", "").isdecimal() else parse_duration(text)))
    return text == {"": '""'}.get(str(default), str(default))


def test_every_setting_is_listed_in_order_with_its_default() -> None:
    listed = {bare(row[0]): row[1] for row in rows(PAGE, "name", "default", "meaning")}
    fields = {f"TRADEFREE_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert list(listed) == list(fields)
    wrong = {name: default_of(field) for name, field in fields.items() if not says(listed[name], default_of(field))}
    assert wrong == {}


MODELS: list[tuple[Path, str, str, type[BaseModel]]] = [
    (PAGE, "A connection", "field", Connection),
    (PAGE, "A task type", "field", TaskType),
    (PAGE, "A trigger", "field", Trigger),
    (PAGE, "`retry`", "field", RetryPolicy),
    (PAGE, "`concurrency`", "field", Concurrency),
    (DOCS / "webhooks.md", "A hook", "field", Hook),
    (DOCS / "webhooks.md", "`signature`", "field", HookSignature),
    (DOCS / "webhooks.md", "`event`", "field", HookEvent),
    (DOCS / "schedules.md", "A schedule", "field", Schedule),
    (DOCS / "schedules.md", "`event`", "field", ScheduledEvent),
    (DOCS / "dify.md", "`dify.workflow`", "option", WorkflowOptions),
    (DOCS / "dify.md", "`dify.chat`", "option", ChatOptions),
    (DOCS / "dify.md", "`dify.completion`", "option", CompletionOptions),
]


@pytest.mark.parametrize(("page", "heading", "column", "model"), MODELS, ids=[case[3].__name__ for case in MODELS])
def test_every_field_is_listed_with_its_default(page: Path, heading: str, column: str, model: type[BaseModel]) -> None:
    listed = table(page, heading, column)
    fields = {name: field for name, field in model.model_fields.items() if name != "name"}
    assert sorted(listed) == sorted(fields)
    wrong = {name: default_of(field) for name, field in fields.items() if not says(listed[name], default_of(field))}
    assert wrong == {}


def test_every_scope_is_explained() -> None:
    assert [bare(row[0]) for row in rows(DOCS / "security.md", "scope", "right")] == list(Scope)
