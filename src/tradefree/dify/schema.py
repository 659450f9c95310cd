"""From an app's input form to a JSON Schema of ``input_data``, so that wrong inputs are refused at submit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tradefree.dify.models import InputField

Schema = dict[str, Any]

NUMERIC = r"^\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)?\s*$"
"""Dify 1.14.2 takes a number's text for a number, and an empty one."""


def schema_of_form(
    form: Iterable[InputField], mapping: Mapping[str, str] | None, beside: Mapping[str, Schema]
) -> Schema:
    """What ``input_data`` must be.

    ``mapping`` is the type's ``options.inputs``: with it, a variable's rules are put where its key path leads, and
    other keys are allowed; paths into lists are left unchecked. Without it, ``input_data`` is the inputs, and a key
    that the form does not have is refused: Dify 1.14.2 would drop it without a word. ``beside``: what is read from
    the input by key path although it is no variable (a chat's query), with its schema; each is required.
    """
    root: Schema = {"type": "object", "properties": {}}
    for field in form:
        path = field.variable if mapping is None else mapping.get(field.variable)
        if path is not None:
            _put(root, [path] if mapping is None else path.split("."), _schema(field), required=field.required)
    for path, schema in beside.items():
        _put(root, path.split("."), schema, required=True)
    if mapping is None:
        root["additionalProperties"] = False
    return root


def _put(node: Schema, path: list[str], schema: Schema, *, required: bool) -> None:
    """Say at a path what must be there. A part that an optional path leads through need not be there."""
    if any(key.isdecimal() for key in path):
        return
    for key in path[:-1]:
        _require(node, key, required=required)
        inner: Schema = {"type": "object" if required else ["object", "null"], "properties": {}}
        node = node["properties"].setdefault(key, inner)
        if required:
            node["type"] = "object"
        node.setdefault("properties", {})
    _require(node, path[-1], required=required)
    node["properties"].setdefault(path[-1], schema)


def _require(node: Schema, key: str, *, required: bool) -> None:
    if required and key not in node.setdefault("required", []):
        node["required"].append(key)


def _schema(field: InputField) -> Schema:
    """One variable's rules, as Dify 1.14.2 has them: null counts as missing, an empty text as present."""
    schema = _KINDS.get(field.kind, _anything)(field)
    if not field.required and schema:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, **({"title": field.label} if field.label else {})}


def _words(field: InputField) -> Schema:
    return {"type": "string", **({"maxLength": field.max_length} if field.max_length else {})}


def _select(field: InputField) -> Schema:
    return {"enum": [*field.options, ""]} if field.options else {"type": "string"}


def _number(_: InputField) -> Schema:
    return {"type": ["number", "string"], "pattern": NUMERIC}


def _checkbox(_: InputField) -> Schema:
    """Stricter than Dify, which takes the text ``"false"`` for true."""
    return {"enum": [True, False, 0, 1]}


def _object(_: InputField) -> Schema:
    return {"type": "object"}


def _files(field: InputField) -> Schema:
    return {
        "type": "array",
        "items": {"type": "object"},
        **({"maxItems": field.max_length} if field.max_length else {}),
    }


def _anything(_: InputField) -> Schema:
    """A kind that nobody here knows, or ``external_data_tool``, whose value Dify fetches itself."""
    return {}


_KINDS = {
    "text-input": _words,
    "paragraph": _words,
    "select": _select,
    "number": _number,
    "checkbox": _checkbox,
    "json_object": _object,
    "file": _object,
    "file-list": _files,
}
