"""JSON Schema, compiled once for each schema text (jsonschema-rs, draft 2020-12)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

LONGEST_MESSAGE = 500
"""Characters."""


@lru_cache(maxsize=512)
def _validator(text: bytes) -> Any:
    return jsonschema_rs.Draft202012Validator(orjson.loads(text), retriever=_refuse)


def _refuse(uri: str) -> Any:
    """Whoever defines a type must not make this process fetch addresses or read files."""
    raise ValueError(f"{uri} is another document; put what it says under $defs")


def _text(schema: dict[str, Any]) -> bytes:
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)


def check_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, or ValueError with what is wrong in it. References to other documents are not followed."""
    try:
        _validator(_text(schema))
    except ValueError as error:
        first_line = str(error).partition("\n")[0]
        raise ValueError(f"not a JSON Schema: {first_line}") from None
    return schema


def schema_problem(schema: dict[str, Any], value: Any) -> tuple[list[str], str] | None:
    """Path and reason of the first thing in ``value`` that the schema refuses; None if all is well."""
    error = next(iter(_validator(_text(schema)).iter_errors(value)), None)
    if error is None:
        return None
    return [str(part) for part in error.instance_path], _short(error.message)


def _short(message: str) -> str:
    """A message begins with the value it is about, which may be large, and ends with what is wrong with it."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:200]} … {message[-200:]}"
