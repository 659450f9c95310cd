"""Problem details (RFC 9457): every answer of 4xx and 5xx."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class FieldProblem(BaseModel):
    """One value that cannot be accepted."""

    field: str = Field(
        description="Path of the value, such as `input_data/customer_id`, or the name of a parameter or header.",
        examples=["input_data/customer_id"],
    )
    reason: str = Field(examples=['"customer_id" is a required property'])
    code: str | None = Field(
        None, description="The kind of reason, for programs, where it has one.", examples=["required"]
    )
    facts: dict[str, Any] | None = Field(
        None, description="Names and numbers in the reason.", examples=[{"property": "customer_id"}]
    )


class Problem(BaseModel):
    """What went wrong, for people and for programs."""

    type: str = Field(
        description="Names the kind of problem; stable.", examples=["urn:tradefree:problem:invalid-input"]
    )
    title: str = Field(description="The kind of problem in words.", examples=["The request cannot be accepted"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What is wrong this time and what to do.")
    code: str | None = Field(None, description="The kind of detail, for programs, where it has one.")
    facts: dict[str, Any] | None = Field(None, description="Names and numbers in the detail.")
    instance: str | None = Field(None, description="The path that was asked for.")
    request_id: str | None = Field(None, description="Find this id in the service's log; also in `X-Request-Id`.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The values that are wrong, if it was values.")
