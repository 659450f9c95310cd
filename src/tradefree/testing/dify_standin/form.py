"""The check of a run's inputs against the app's form, with Dify's messages.

Dify 1.14.2: core/app/apps/base_app_generator.py.
"""

from __future__ import annotations

from typing import Any

from tradefree.testing.dify_standin.apps import App, InputField
from tradefree.testing.dify_standin.replies import DifyError

_INTERNAL = (
    "The server encountered an internal error and was unable to complete your request. "
    "Either the server is overloaded or there is an error in the application."
)


def check_inputs(app: App, given: dict[str, Any]) -> dict[str, Any]:
    """The declared variables in the form's order: unknown ones are dropped silently, missing optional ones are null.

    Raises `DifyError` (400 invalid_param, or Dify's 500 for a number that is a list).
    """
    return {field.name: _value(field, given.get(field.name)) for field in app.inputs}


def _value(field: InputField, value: Any) -> Any:
    if value is None:
        if field.required:
            raise DifyError(400, "invalid_param", f"{field.name} is required in input form")
        return field.default
    match field.type:
        case "text-input" | "paragraph" | "select":
            return _text(field, value)
        case "number":
            return _number(field, value)
        case "checkbox":
            return bool(value)
        case "json_object":
            return _object(field, value)
        case _:
            return value


def _text(field: InputField, value: Any) -> str:
    if not isinstance(value, str):
        raise _bad(f"(type '{field.type}') {field.name} in input form must be a string")
    if field.type == "select" and value not in field.options:
        raise _bad(f"{field.name} in input form must be one of the following: {field.options}")
    if field.max_length and len(value) > field.max_length:
        raise _bad(f"{field.name} in input form must be less than {field.max_length} characters")
    return value.replace("\x00", "")


def _number(field: InputField, value: Any) -> int | float:
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        raise DifyError(500, "internal_server_error", _INTERNAL)
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        raise _bad(f"{field.name} in input form must be a valid number") from None


def _object(field: InputField, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{field.name} in input form must be a dict")
    return value


def _bad(message: str) -> DifyError:
    return DifyError(400, "invalid_param", message)
