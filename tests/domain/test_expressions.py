"""Expressions: split where all parts must be true, and never so slow that a service stands still."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefree.expressions import COLLECTING, COLLECTING_ALL, Expression, Values, conjuncts

NAMES = ("event",)
LONGEST = 1.0
"""Seconds; what is allowed takes a tenth of it on a slow machine."""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a && b", ["a", "b"]),
        (" a&&b &&  c ", ["a", "b", "c"]),
        ("a || b", ["a || b"]),
        ("a && b || c", ["a && b || c"]),
        ("a && (b || c)", ["a", "(b || c)"]),
        ("(a && b)", ["(a && b)"]),
        ("a ? b && c : d", ["a ? b && c : d"]),
        ("f(a && b) && l.all(x, x > 1 && x < 2)", ["f(a && b)", "l.all(x, x > 1 && x < 2)"]),
        ("a == 'x && y' && b", ["a == 'x && y'", "b"]),
        ('a == "\\"&&" && b == """ && " """', ['a == "\\"&&"', 'b == """ && " """']),
        ("[a && b][0] && {'k': c && d}.k", ["[a && b][0]", "{'k': c && d}.k"]),
    ],
)
def test_parts(text: str, parts: list[str]) -> None:
    assert conjuncts(text) == parts


atoms = st.sampled_from(["event.a", "event.b", "event.c", "event.none", "true", "false", "'&&' == event.t", "1 > 2"])
formulas = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]} || {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} && {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} && {p[1]}"),
        inner.map(lambda p: f"!({p})"),
    ),
    max_leaves=8,
)


def outcome(text: str, values: Values) -> bool | None:
    """True, false, or None where it has no value."""
    try:
        return bool(Expression(text, NAMES).value(values))
    except ValueError:
        return None


@given(formulas, st.fixed_dictionaries({name: st.booleans() for name in "abc"}))
def test_the_parts_come_to_what_the_whole_comes_to(text: str, facts: dict[str, Any]) -> None:
    values = Values({"event": facts | {"t": "&&"}})
    parts = [outcome(part, values) for part in conjuncts(text)]
    whole = False if False in parts else None if None in parts else True
    assert whole == outcome(text, values)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("event.l.all(x, x == event.a)", None),
        ("event.l.exists(x, x == event.a)", None),
        ("event.l.map(x, x)", COLLECTING),
        ("event.l.filter(x, x > 1)", COLLECTING),
        ("event.l.exists_one(x, x > 1)", COLLECTING),
        ("event.l.map(x, event.l)", COLLECTING_ALL),
        ("event.l.map(x, x) == event.l", COLLECTING_ALL),
        ("event.a", None),
    ],
)
def test_what_a_loop_may_look_at(text: str, most: int | None) -> None:
    assert Expression(text, NAMES).most == most


SHAPES: list[tuple[str, Any]] = [("text", "y" * 100), ("object", {"sku": "abc", "n": 1, "t": "x" * 30}), ("number", 1)]
LOOPS = [
    "event.l.map(x, x)",
    "event.l.filter(x, true)",
    "event.l.exists_one(x, true)",
    "event.l.map(x, event.l)",
    "event.l.all(x, event.l == event.l)",
]


@pytest.mark.parametrize("number", [10, 50, 100, 200, 400, 1000, 3000])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[0])
@pytest.mark.parametrize("text", LOOPS[:4])
def test_no_loop_takes_long(text: str, shape: tuple[str, Any], number: int) -> None:
    """What is too heavy is refused with a sentence; what is not ends soon."""
    values = Values({"event": {"l": [shape[1]] * number}})
    began = time.process_time()
    expression = Expression(text, NAMES)
    if expression.most is not None and values.weight > expression.most:
        with pytest.raises(ValueError, match="would take too long"):
            expression.value(values)
    else:
        expression.value(values)
    assert time.process_time() - began < LONGEST


def test_a_large_event_is_no_trouble_without_loops() -> None:
    values = Values({"event": {"l": ["y" * 100] * 10_000, "a": 1}})
    began = time.process_time()
    assert Expression("event.a == 1", NAMES).value(values) is True
    assert Expression("event.l.exists(x, x == 'z')", NAMES).value(values) is False
    assert time.process_time() - began < LONGEST
