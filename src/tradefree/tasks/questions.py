"""Questions to people: what a task waits to be told, and whether an answer fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tradefree.errors import InvalidInput

MOST_TEXT = 64_000
"""Characters of a question's text that are kept; characters of a text that an answer may have."""
RERUN, FAIL, COMPLETE = "rerun", "fail", "complete"


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in. ``kind`` is ``text``, or ``json`` for any JSON value."""

    name: str
    kind: str = "text"
    default: Any = None
    required: bool = True
    """False, or a default: it may be left out."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to choose."""

    id: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A form for a person: one of the actions, with the fields filled in."""

    title: str
    content: str = ""
    fields: tuple[Field, ...] = ()
    actions: tuple[Action, ...] = ()
    expires_at: datetime | None = None
    """After this moment the upstream takes no answer."""
    secret: Mapping[str, Any] | None = None
    """What only the runner needs to hand the answer in; stored with the task and shown to nobody."""
    about_unknown: bool = False
    """Asked by the system itself, as nobody knows what became of a run: the answer needs no runner."""

    def check(self, action: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs with defaults filled in. Raises InvalidInput, naming the field, if the answer does not fit."""
        if action not in {known.id for known in self.actions}:
            choices = ", ".join(f"{a.id} ({a.title})" if a.title else a.id for a in self.actions)
            raise InvalidInput(
                f"is no action of this form; choose one of: {choices or 'none'}", field="action", code="no_action"
            )
        names = [field.name for field in self.fields]
        for name in inputs:
            if name not in names:
                known = f"its fields: {', '.join(names)}" if names else "it has none"
                raise InvalidInput(f"is no field of this form; {known}", field=f"inputs/{name}")
        return {f.name: _value(f, inputs) for f in self.fields if f.name in inputs or f.required or f.default}

    def stored(self, number: int) -> dict[str, Any]:
        """As JSON for the task's row; ``number`` is the attempt that asked, which tells it from other questions."""
        values = asdict(self)
        values["content"] = self.content[:MOST_TEXT]
        values["expires_at"] = self.expires_at.isoformat() if self.expires_at else None
        values["secret"] = dict(self.secret) if self.secret else None
        return {"id": number, **values}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Question:
        """From a task's row."""
        expires_at = stored.get("expires_at")
        return cls(
            title=stored["title"],
            content=stored["content"],
            fields=tuple(Field(**field) for field in stored["fields"]),
            actions=tuple(Action(**action) for action in stored["actions"]),
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            secret=stored.get("secret"),
            about_unknown=stored.get("about_unknown", False),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said, and the secret part of the question it is for."""

    action: str
    inputs: Mapping[str, Any]
    by: str | None = None
    secret: Mapping[str, Any] | None = None


def answer_of(stored: Mapping[str, Any] | None) -> Answer | None:
    """The answer in a task's row, if there is one."""
    if stored is None or not (said := stored.get("answer")):
        return None
    return Answer(said["action"], said["inputs"], said.get("by"), stored.get("secret"))


def shown(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What people may see of a question."""
    if stored is None:
        return None
    return {name: value for name, value in stored.items() if name not in ("secret", "about_unknown")}


def about_unknown(known: str) -> Question:
    """What to do about a run of which nobody knows what became."""
    return Question(
        title="What became of the run?",
        content=f"{known} Look at the systems it works on, then decide: run it again, let it fail, or complete it with "
        "the output it should have had.",
        fields=(Field("output", "json", required=False),),
        actions=(
            Action(RERUN, "Run it again"),
            Action(FAIL, "Let it fail"),
            Action(COMPLETE, "Complete it with this output"),
        ),
        about_unknown=True,
    )


def _value(field: Field, inputs: Mapping[str, Any]) -> Any:
    if field.name not in inputs:
        if field.default is None and field.required:
            raise InvalidInput("is required", field=f"inputs/{field.name}", code="missing")
        return field.default
    value = inputs[field.name]
    if field.kind == "text":
        if not isinstance(value, str):
            raise InvalidInput("should be text", code="string_type", field=f"inputs/{field.name}")
        if len(value) > MOST_TEXT:
            raise InvalidInput(f"has more than {MOST_TEXT} characters", field=f"inputs/{field.name}")
    return value
