"""From a task's input to what a Dify app is given, and what the app's form would say to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradefree.dify.models import InputField
from tradefree.errors import Failed, InvalidInput

_WORDS = frozenset({"text-input", "paragraph", "select"})
_TYPES: dict[type, str] = {str: "a text", dict: "an object", list: "a list", bool: "true or false", type(None): "null"}


class WorkflowOptions(BaseModel):
    """The ``options`` of a task type with the runner ``dify.workflow``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: dict[str, str] | None = Field(
        None,
        description="Dify variable → key path into `input_data`, such as `customer.name` or `items.0.id`. "
        "Left out: `input_data` itself, which must be an object.",
    )
    workflow_id: str | None = Field(None, min_length=1, description="A published version instead of the latest.")
    partial_success: Literal["ok", "fail"] = Field(
        "ok", description="Whether `partial-succeeded` (a node failed, its error strategy took over) is a success."
    )

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> WorkflowOptions:
        """Raises InvalidInput that names the option."""
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            path = "/".join(["options", *(str(part) for part in first["loc"])])
            raise InvalidInput(first["msg"], field=path) from None


def inputs_for(options: WorkflowOptions, input_data: Any) -> dict[str, Any]:
    """The inputs of the run. A path that leads nowhere leaves its variable out. Failed if there is no object."""
    if options.inputs is not None:
        found = {name: _at(input_data, path) for name, path in options.inputs.items()}
        return {name: value for name, value in found.items() if value is not None}
    if not isinstance(input_data, dict):
        raise Failed(
            f"A Dify workflow takes an object as input, not {_type_of(input_data)}. Send an object, or map the input "
            "with the task type's options.inputs.",
            code="bad_input",
            retryable=False,
        )
    return dict(input_data)


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def problem_with(form: Iterable[InputField], inputs: Mapping[str, Any]) -> str | None:
    """Why the app's form refuses these inputs, if that is certain; the first reason found.

    Dify 1.14.2 refuses them too, but in streaming mode it does so without a word: the stream just stays silent.
    """
    for field in form:
        if problem := _problem(field, inputs.get(field.variable)):
            return f"`{field.variable}` {problem}"
    return None


def _problem(field: InputField, value: Any) -> str | None:
    if value is None:
        return "is required and missing" if field.required else None
    if field.kind in _WORDS:
        return _problem_with_words(field, value)
    if field.kind == "number" and value != "" and not _is_number(value):
        return f"must be a number, not {_type_of(value)}"
    if field.kind == "json_object" and value != "" and not isinstance(value, dict):
        return f"must be an object, not {_type_of(value)}"
    return None


def _problem_with_words(field: InputField, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"must be a text, not {_type_of(value)}"
    if field.kind == "select" and field.options and value and value not in field.options:
        return f"must be one of {', '.join(field.options)}"
    if field.max_length and len(value) > field.max_length:
        return f"has {len(value)} characters, and the app takes at most {field.max_length}"
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float)


def _type_of(value: Any) -> str:
    return _TYPES.get(type(value), "a number")
