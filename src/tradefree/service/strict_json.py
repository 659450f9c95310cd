"""JSON as strict as it is stored: what a database, a browser or another language would read in another way is refused.

orjson does the reading and refuses NaN, lone surrogates and broken UTF-8. The rest is looked for with cheap tests over
the raw bytes; only a body that fails one of them is walked, to name the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from tradefree.errors import InvalidInput
from tradefree.service.refusals import NotJson

MAX_DEPTH = 64
SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Integers that every part of the system can carry."""

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SAME_BRACKETS = bytes.maketrans(b"{}", b"[]")


class _Repeated(Exception):
    """An object has a key twice."""


def loads(raw: bytes) -> Any:
    """The value; NotJson or InvalidInput, with the path of what is wrong."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "limit" in error.msg.lower():  # orjson's own bound, 1,024
            raise _too_deep() from None
        raise NotJson(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        raise _too_deep()
    if b"\\u0000" in raw or _LONG_NUMBER.search(raw) or _repeats_a_key(raw):
        for path, reason in _faults(json.loads(raw, object_pairs_hook=_Pairs), ()):
            raise InvalidInput(reason, field="/".join(path))
    return value


def _too_deep() -> InvalidInput:
    return InvalidInput(f"nested deeper than {MAX_DEPTH} levels", field="", code="too_deep", facts={"most": MAX_DEPTH})


def _depth(raw: bytes) -> int:
    """Nesting of valid JSON, counted up to one more than is allowed: a pass takes the innermost brackets away."""
    brackets = _STRINGS.sub(b"", raw).translate(_SAME_BRACKETS, _NOT_BRACKETS)
    depth = 0
    while brackets and depth <= MAX_DEPTH:
        brackets = brackets.replace(b"[]", b"")
        depth += 1
    return depth


def _repeats_a_key(raw: bytes) -> bool:
    def look(pairs: list[tuple[str, Any]]) -> None:
        if len(pairs) > 1 and len(dict(pairs)) != len(pairs):
            raise _Repeated

    try:
        json.loads(raw, object_pairs_hook=look)
    except _Repeated:
        return True
    return False


class _Pairs(list[tuple[str, Any]]):
    """An object with all its keys, repeated ones too."""


def _faults(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, _Pairs):
        yield from _object_faults(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, (*path, str(index)))
    elif isinstance(value, str):
        if "\0" in value:
            yield path, "contains the character NUL"
    elif isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        yield path, "the integer needs more than 64 bits; send it as text"


def _object_faults(pairs: _Pairs, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    seen: set[str] = set()
    for key, value in pairs:
        if "\0" in key:
            yield (*path, key.replace("\0", "")), "a key contains the character NUL"
        if key in seen:
            yield (*path, key), "the key is there twice"
        seen.add(key)
        yield from _faults(value, (*path, key))
