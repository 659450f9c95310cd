"""Lines for the audit trail. Secrets are no part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tradefree.service.callers import Caller
from tradefree.service.context import System
from tradefree.tasks.ports import Entry

SECRET = {"api_key", "secrets", "secret"}
"""Fields that never come into it."""


def entry(system: System, caller: Caller, action: str, target: str, detail: Mapping[str, Any] | None = None) -> Entry:
    """Who did what to which thing, now. The name of a key is no proof of who it is, so its id stands there, too."""
    return Entry.new(system.clock.now(), caller.name, action, target[:255], {**(detail or {}), "key": caller.id})


def shown(definition: BaseModel | None) -> dict[str, Any] | None:
    """A definition as it may be written down."""
    return None if definition is None else definition.model_dump(mode="json", exclude_defaults=True, exclude=SECRET)


def change(before: BaseModel | None, after: BaseModel) -> dict[str, Any]:
    """What a definition was and is."""
    return {"before": shown(before), "after": shown(after)}
