"""What a rule makes of an event: whatever the event and the rule, a decision with a reason, never an exception."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tradefree.events.decide import Decision, Outcome, Verdict, decide, streak_after, values_of
from tradefree.events.event import Event
from tradefree.events.rulebook import Rule, Rulebook
from tradefree.events.trigger import Kept, Streak, Trigger

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


def an_event(data: Any = None, **values: Any) -> Event:
    fields: dict[str, Any] = {
        "id": "i", "source": "/shop", "event_id": "1", "type": "order.created", "received_at": NOW, "received_by": "k",
    }  # fmt: skip
    return Event(**(fields | {"data": data} | values))


def tried(event: Event, **values: Any) -> Verdict:
    trigger = Trigger.model_validate({"name": "rule", "event": "*", "task_type": "echo"} | values)
    return decide(Rule(trigger, 1), event, values_of(event))


def mapped(mapping: Any, data: Any = None, **event: Any) -> Any:
    verdict = tried(an_event(data, **event), input=mapping)
    assert verdict.new is not None, verdict.decision
    return verdict.new.input_data


def test_what_expressions_see() -> None:
    event = an_event({"a": 1}, subject=None, attributes={"region": "sz", "weight": 7, "rush": True})
    found = tried(
        event,
        input={
            "core": "[event.id, event.source, event.type, event.region]",
            "none": "[event.subject, event.dataschema, event.data_base64]",
            "year": "event.time.getFullYear()",
            "rest": "[event.weight + 1, event.rush ? 1 : 0]",
            "data": "event.data",
        },
    )
    assert found.new is not None
    assert found.new.input_data == {
        "core": ["1", "/shop", "order.created", "sz"],
        "none": [None, None, None],
        "year": 2026,
        "rest": [8, 1],
        "data": {"a": 1},
    }


def test_binary_data_is_apart() -> None:
    event = an_event("aGk=", binary=True)
    found = tried(event, input={"data": "event.data", "base64": "event.data_base64"})
    assert found.new is not None
    assert found.new.input_data == {"data": None, "base64": "aGk="}


def test_a_mapping_as_deep_as_one_likes() -> None:
    mapping = {"a": {"b": ["event.data.n", 5, None, True, {"c": "'text'"}]}, "d": 1.5}
    assert mapped(mapping, {"n": 7}) == {"a": {"b": [7, 5, None, True, {"c": "text"}]}, "d": 1.5}
    assert mapped("event.data") is None
    assert mapped("{'x': event.data.n}", {"n": 1}) == {"x": 1}


@pytest.mark.parametrize(
    ("mapping", "part", "reason"),
    [
        ({"a": "event.data.none"}, "input/a", "there is no 'none'"),
        ({"a": {"b": ["1", "event.data.n + 'x'"]}}, "input/a/b/1", "No such overload"),
        ("event.time", "input", "timestamp, which JSON has not; write string"),
        ({"t": "duration('5s')"}, "input/t", "duration"),
        ({"b": "b'x'"}, "input/b", "bytes"),
        ({"k": "{1: 2}"}, "input/k", "a key that is a number"),
        ({"f": "1.0 / 0.0"}, "input/f", ""),
        ({"f": "double('NaN')"}, "input/f", ""),
        ({"n": "'a\\x00b'"}, "input/n", "NUL"),
        ({"deep": "[event.time]"}, "input/deep/0", "timestamp"),
    ],
)
def test_a_mapping_that_yields_what_json_has_not(mapping: Any, part: str, reason: str) -> None:
    decision = tried(an_event({"n": 1}), input=mapping).decision
    assert (decision.outcome, decision.part, decision.task_id) == (Outcome.FAILED, part, None)
    assert reason in decision.reason
    assert decision.reason


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"key": "event.data"}, "key"),
        ({"key": "event.data.none"}, "key"),
        ({"key": "''"}, "key"),
        ({"key": "event.data.long"}, "key"),
        ({"labels": {"shop": "event.data"}}, "labels/shop"),
        ({"labels": {"shop": "event.data.long"}}, "labels/shop"),
    ],
)
def test_a_key_or_label_that_can_be_none(values: Any, part: str) -> None:
    decision = tried(an_event({"long": "x" * 256}), **values).decision
    assert (decision.outcome, decision.part) == (Outcome.FAILED, part)


def test_labels_that_are_null_are_left_out() -> None:
    verdict = tried(an_event({"n": 7}), labels={"a": "event.subject", "b": "event.data.n", "c": "true"}, key="7.0")
    assert verdict.new is not None
    assert (verdict.new.labels, verdict.new.concurrency_key) == ({"b": "7", "c": "true"}, "7")


@pytest.mark.parametrize(
    ("text", "outcome", "conditions"),
    [
        ("true && true", Outcome.MADE, [True, True]),
        ("true && false", Outcome.NO_MATCH, [True, False]),
        ("event.none && false", Outcome.NO_MATCH, [None, False]),
        ("event.none && true", Outcome.FAILED, [None, True]),
        ("1 && true", Outcome.FAILED, [None, True]),
        ("event.data", Outcome.FAILED, [None]),
        ("event.type.startsWith('order.') || event.none", Outcome.MADE, [True]),
    ],
)
def test_filters(text: str, outcome: Outcome, conditions: list[bool | None]) -> None:
    decision = tried(an_event(), filter=text).decision
    assert decision.outcome is outcome
    assert [held if isinstance(held, bool) else None for held in decision.conditions] == conditions


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"a": 2**64}, "a: the number is none"),
        ({"a": [float("nan")]}, "a/0: the number is none"),
        ({"when": NOW.date()}, "when: is date, which JSON has not"),
        ({"a": {7: "1"}}, "a/7: a name is text"),
        ({"a": b"x"}, "a: is bytes"),
    ],
)
def test_what_yaml_has_and_json_has_not_is_refused_when_the_rule_is_saved(mapping: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        tried(an_event(), input=mapping)


# ── whatever comes ──────────────────────────────────────────────────────────────────────────────────────────────────

plain = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
names = st.sampled_from("ab") | st.text(plain, max_size=8)
json = st.recursive(
    st.none() | st.booleans() | numbers | st.text(plain, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
TEXTS = (
    "event.data", "event.data.a", "event.data.a.b", "event.data[0]", "event.subject", "event.time", "event.none",
    "event.data.a > 1", "event.data.a + event.data.b", "size(event.data)", "string(event.data.a)", "has(event.data.a)",
    "event.data.a in ['x', 1]", "event.data.map(x, x)", "event.data.a.matches('.*')", "int(event.data.a)", "1 / 0",
    "event.data.a == event.data.b", "event.data.a ? 1 : 2", "[event.time]", "{event.type: event.data}",
)  # fmt: skip
texts = st.sampled_from(TEXTS)
filters = st.lists(texts, min_size=1, max_size=3, unique=True).map(" && ".join)
mappings = texts | st.dictionaries(st.sampled_from("abc"), texts | numbers | st.none(), max_size=3)


@settings(max_examples=300, deadline=None)
@given(json, filters | st.none(), mappings, texts | st.none(), texts)
def test_there_is_always_a_decision_with_a_reason(
    data: Any, filter_: str | None, mapping: Any, key: str | None, label: str
) -> None:
    event = an_event(data)
    values = {"filter": filter_, "input": mapping, "key": key, "labels": {"l": label}}
    decision, new = (verdict := tried(event, **values)).decision, verdict.new
    assert (new is not None) == (decision.outcome is Outcome.MADE)
    if decision.outcome is Outcome.FAILED:
        assert decision.reason
        assert decision.part.split("/")[0] in ("filter", "input", "key", "labels")
    if new is not None:
        assert orjson.loads(orjson.dumps(new.input_data)) == new.input_data
        assert all(isinstance(value, str) for value in new.labels.values())
    again = tried(an_event(data), **values)
    assert again.decision == decision, "the same event, the same decision"
    assert (again.new is None) == (new is None)
    if again.new is not None and new is not None:
        assert again.new.input_data == new.input_data


@settings(max_examples=200, deadline=None)
@given(json)
def test_data_goes_through_as_it_is(data: Any) -> None:
    found = mapped("event.data", data)
    assert found == data
    assert orjson.dumps(found, option=orjson.OPT_SORT_KEYS) == orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


# ── which rules look ────────────────────────────────────────────────────────────────────────────────────────────────

patterns = st.text("ab.", min_size=1, max_size=4).flatmap(lambda text: st.sampled_from([text, f"{text}*", "*"]))


@given(st.lists(patterns, max_size=12), st.text("ab.", min_size=1, max_size=5))
def test_the_book_finds_exactly_those_that_look(some: list[str], event_type: str) -> None:
    every = [Trigger(name=f"t{n:02}", event=pattern, task_type="echo") for n, pattern in enumerate(some)]
    book = Rulebook(Kept(trigger, 1, NOW) for trigger in every)
    assert [rule.trigger for rule in book.rules_for(event_type)] == [t for t in every if t.looks_at(event_type)]


# ── failures in a row ───────────────────────────────────────────────────────────────────────────────────────────────

decisions = st.sampled_from(
    [
        Decision("t", 1, Outcome.FAILED, "filter", "no"),
        Decision("t", 1, Outcome.FAILED, "input", "no"),
        Decision("t", 1, Outcome.NO_MATCH, "filter"),
        Decision("t", 1, Outcome.MADE, task_id="x"),
        Decision("t", 1, Outcome.REFUSED, reason="full"),
    ]
)


@given(st.lists(decisions, max_size=30), st.integers(0, 30))
def test_a_row_does_not_hang_on_how_events_were_put_together(some: list[Decision], cut: int) -> None:
    assert streak_after(streak_after(Streak(), some[:cut]), some[cut:]) == streak_after(Streak(), some)
