"""JSON Schema, compiled once for each schema text (jsonschema-rs, draft 2020-12)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from tradefree.errors import Fact

LONGEST_MESSAGE = 500
"""Characters."""
NAMES = {"options": "expected"}
"""What pydantic calls facts of its own error with the same code."""


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


class Mismatch(NamedTuple):
    """What a schema refuses: where, why, the keyword that does, and what that keyword asks for."""

    path: list[str]
    reason: str
    code: str
    facts: dict[str, Fact]


def schema_problem(schema: dict[str, Any], value: Any) -> Mismatch | None:
    """The first thing in ``value`` that the schema refuses; None if all is well."""
    error = next(iter(_validator(_text(schema)).iter_errors(value)), None)
    if error is None:
        return None
    asked = error.kind.as_dict().items()
    facts = {NAMES.get(name, name): fact for name, value in asked if (fact := _fact(value)) is not None}
    return Mismatch([str(part) for part in error.instance_path], _short(error.message), error.kind.name, facts)


def _fact(asked: Any) -> Fact | None:
    if isinstance(asked, list) and all(isinstance(one, str | int | float) for one in asked):
        return _short(", ".join(map(str, asked)))
    if isinstance(asked, str):
        return _short(asked)
    return asked if isinstance(asked, int | float) else None


def _short(message: str) -> str:
    """A message begins with the value it is about, which may be large, and ends with what is wrong with it."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:200]} … {message[-200:]}"
