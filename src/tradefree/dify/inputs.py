"""From a task's input to what a Dify app is given, and what the app's form would say to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tradefree.dify.models import InputField
from tradefree.dify.options import RunOptions
from tradefree.errors import Failed

_WORDS = frozenset({"text-input", "paragraph", "select"})
_TYPES: dict[type, str] = {str: "a text", dict: "an object", list: "a list", bool: "true or false", type(None): "null"}


def inputs_for(options: RunOptions, input_data: Any) -> dict[str, Any]:
    """The inputs of the run. A path that leads nowhere leaves its variable out. Failed if there is no object."""
    if options.inputs is not None:
        found = {name: at(input_data, path) for name, path in options.inputs.items()}
        return {name: value for name, value in found.items() if value is not None}
    if not isinstance(input_data, dict):
        raise Failed(
            f"A Dify app takes an object as input, not {_type_of(input_data)}. Send an object, or map the input "
            "with the task type's options.inputs.",
            code="bad_input",
            retryable=False,
        )
    return dict(input_data)


def at(value: Any, path: str) -> Any:
    """What a key path leads to, such as ``customer.name`` or ``items.0.id``; None if it leads nowhere."""
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
    if field.kind in ("file", "file-list") and value:
        return _problem_with_files(field, value)
    return None


def _problem_with_files(field: InputField, value: Any) -> str | None:
    if field.kind == "file":
        return None if isinstance(value, dict) else f"must be a file (an object), not {_type_of(value)}"
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return "must be a list of files (objects)"
    if field.max_length and len(value) > field.max_length:
        return f"has {len(value)} files, and the app takes at most {field.max_length}"
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
