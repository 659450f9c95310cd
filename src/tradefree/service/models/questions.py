"""Questions to people, and their answers, over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from tradefree.service.models.fields import Request


class FieldDocument(BaseModel):
    """Something to fill in."""

    name: str
    kind: str = Field(description="`text`, or `json` for any value.")
    default: Any = None
    required: bool


class ActionDocument(BaseModel):
    """Something to choose."""

    id: str
    title: str


class AnswerDocument(BaseModel):
    """What somebody answered."""

    action: str
    inputs: dict[str, Any]
    by: str | None


class QuestionDocument(BaseModel):
    """What the task asks a person."""

    id: int = Field(description="Tells it from what the task asked before.")
    title: str
    content: str
    fields: list[FieldDocument]
    actions: list[ActionDocument]
    expires_at: datetime | None = Field(description="When the upstream stops taking an answer.")
    answer: AnswerDocument | None = Field(None, description="There until the run that asked has ended.")


class AnswerRequest(Request):
    """An answer: one of the actions, with the form's fields filled in."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"action": "approve", "inputs": {"comment": "fine by me"}}]},
    )

    action: Annotated[StrictStr, Field(min_length=1, max_length=255)]
    inputs: dict[StrictStr, Any] = Field(default_factory=dict, description="By field name; left out: the default.")
    question_id: StrictInt | None = Field(None, description="Refused if the task asks something else by now.")
