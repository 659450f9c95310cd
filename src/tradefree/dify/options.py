"""The ``options`` of task types with Dify's runners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradefree.errors import InvalidInput


class RunOptions(BaseModel):
    """What all of them have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: dict[str, str] | None = Field(
        None,
        description="Dify variable → key path into `input_data`, such as `customer.name` or `items.0.id`. "
        "Left out: `input_data` itself, which must be an object.",
    )
    partial_success: Literal["ok", "fail"] = Field(
        "ok", description="Whether `partial-succeeded` (a node failed, its error strategy took over) is a success."
    )

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Raises InvalidInput that names the option."""
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            path = "/".join(["options", *(str(part) for part in first["loc"])])
            raise InvalidInput(first["msg"], field=path) from None


class WorkflowOptions(RunOptions):
    """Of ``dify.workflow``."""

    workflow_id: str | None = Field(None, min_length=1, description="A published version instead of the latest.")


class ChatOptions(RunOptions):
    """Of ``dify.chat``: chat, chatflow and agent apps."""

    query: str = Field("query", min_length=1, description="Key path into `input_data` to what is asked.")
    conversation: str | None = Field(
        None,
        min_length=1,
        description="Key path into `input_data` to a key, such as `customer.id`: tasks of this type with the same key "
        "go on with one conversation. Left out: each task has a new one.",
    )
    workflow_id: str | None = Field(
        None, min_length=1, description="A published version of a chatflow instead of the latest."
    )
    auto_title: bool = Field(False, description="Let the model make up a title for a new conversation.")


class CompletionOptions(RunOptions):
    """Of ``dify.completion``."""

    query: str | None = Field(
        None, min_length=1, description="Key path into `input_data` to a text sent as `query`. Most apps have none."
    )
