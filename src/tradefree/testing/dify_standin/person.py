"""How a file of apps describes the form of a human input node."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

HUMAN = "human-input"
"""Dify's type of the node."""


class FormField(BaseModel):
    """What a person fills in. Dify 1.14.2 takes every field for required."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: str = "paragraph"
    default: str | None = None

    def document(self) -> dict[str, Any]:
        default = None if self.default is None else {"type": "constant", "selector": [], "value": self.default}
        return {"output_variable_name": self.name, "type": self.type, "default": default}


class FormAction(BaseModel):
    """A button of the form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    style: str = "default"

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "button_style": self.style}


class PersonForm(BaseModel):
    """The form of a node of type `human-input`.

    What was answered is at hand in outputs and answers as `{NODE_action}` and `{NODE_FIELD}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: str = ""
    """In Dify's words: `{{#start.query#}}` is an input, `{{#$output.comment#}}` a field of the form."""
    fields: list[FormField] = []
    actions: list[FormAction] = Field(default=[FormAction(id="approve", title="Approve")], min_length=1)
    expires_seconds: float = 3600.0
    """Real seconds, whatever the scale, for the moment is told as a time of day."""
    web_app: bool = True
    """False: the web app delivery is off, so no token is told and nobody can answer over the API."""
