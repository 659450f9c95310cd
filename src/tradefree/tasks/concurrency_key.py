"""The concurrency key as an expression over the input."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tradefree.expressions import Expression

MAX_KEY = 255
"""Characters of a concurrency key."""


@lru_cache(maxsize=1000)
def key_expression(text: str) -> Expression:
    """The compiled expression. Raises ValueError with a sentence."""
    return Expression(text, ("input",))


def check_key(text: str) -> str:
    """The expression, if it can be compiled."""
    key_expression(text)
    return text


def key_text(value: Any) -> str:
    """A value of an expression as a concurrency key. Raises ValueError unless it is text, a number or true or false."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str() | int():
            text = str(value)
        case float() if value.is_integer():
            text = str(int(value))
        case float():
            text = repr(value)
        case _:
            raise ValueError(f"the key should be text or a number, not {type(value).__name__}")
    if len(text) > MAX_KEY:
        raise ValueError(f"the key has {len(text)} characters; {MAX_KEY} are the most")
    return text
