"""Decide: one event, one rule, and what comes of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from tradefree.events.event import Event
from tradefree.events.rulebook import Rule
from tradefree.events.trigger import Streak
from tradefree.expressions import Expression, Values
from tradefree.tasks.concurrency_key import key_text
from tradefree.tasks.submit import NewTask
from tradefree.tasks.task import Json

MAX_INPUT = 1_000_000
"""Bytes of an input that a mapping makes, as JSON."""
MAX_REASON = 500
"""Characters."""
MAX_LABEL = 255
MAX_NESTED = 64
DISABLE_AFTER = 20
"""Failures in a row after which a trigger is disabled: it would fail for ever."""
FILTER = "filter"


class Outcome(StrEnum):
    """What a rule decided about an event."""

    MADE = "made"
    """It made a task."""
    NO_MATCH = "no_match"
    """Its filter was not true."""
    FAILED = "failed"
    """Filter or mapping had no value for this event, or the task would not have been accepted."""
    REFUSED = "refused"
    """As many tasks wait as may."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule decided about one event, and why."""

    trigger: str
    version: int
    outcome: Outcome
    part: str = ""
    """The part of the rule that decided: ``filter``, ``input/order_id``, ``key``, ``labels/shop``, ``task_type``."""
    reason: str = ""
    conditions: tuple[bool | str, ...] = ()
    """For each part of the filter whether it was true; a sentence where it had no value."""
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and the task to make if it is ``made``."""

    decision: Decision
    new: NewTask | None = None


class _Unfit(Exception):
    """A part of the rule has no good value for this event."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part = part


def values_of(event: Event) -> Values:
    """What the rules' expressions see of an event; made once for all of them."""
    return Values({"event": event.facts()})


def decide(rule: Rule, event: Event, values: Values) -> Verdict:
    """Try one rule on one event."""
    name, version = rule.trigger.name, rule.version
    held = tuple([_holds(condition, values) for condition in rule.conditions])
    if False in held:
        return Verdict(Decision(name, version, Outcome.NO_MATCH, FILTER, "", held))
    decided = Decision(name, version, Outcome.MADE, conditions=held)
    if (fault := next((each for each in held if isinstance(each, str)), None)) is not None:
        return Verdict(failed(decided, FILTER, fault))
    try:
        return Verdict(decided, _new_task(rule, event, values))
    except _Unfit as unfit:
        return Verdict(failed(decided, unfit.part, str(unfit)))


def failed(decision: Decision, part: str, reason: str) -> Decision:
    """The decision, failed."""
    return replace(decision, outcome=Outcome.FAILED, part=part[:MAX_REASON], reason=reason[:MAX_REASON], task_id=None)


def streak_after(before: Streak, decisions: Iterable[Decision]) -> Streak:
    """Failures in a row after some more decisions of the same rule. A task that was made ends every streak; an event
    that did not match ends one of failing filters, as the filter has worked."""
    streak = before
    for decision in decisions:
        if decision.outcome is Outcome.FAILED:
            streak = Streak(streak.number + 1, decision.part[:63])
        elif decision.outcome is Outcome.MADE or (decision.outcome is Outcome.NO_MATCH and streak.part == FILTER):
            streak = Streak()
    return streak


def _holds(condition: Expression, values: Values) -> bool | str:
    try:
        value = condition.value(values)
    except ValueError as error:
        return str(error)[:MAX_REASON]
    if isinstance(value, bool):
        return value
    return f"{condition.text}: should be true or false, not {_kind(value)}"[:MAX_REASON]


def _new_task(rule: Rule, event: Event, values: Values) -> NewTask:
    trigger = rule.trigger
    return NewTask(
        type=trigger.task_type,
        input_data=_input(rule.input, values),
        concurrency_key=_key(rule.key, values),
        priority=trigger.priority,
        delay=trigger.delay or None,
        labels=_labels(rule.labels, values),
        traceparent=event.traceparent,
        event_id=event.id,
    )


def _input(mapping: Any, values: Values) -> Json:
    value = _mapped(mapping, values, "input")
    size = len(orjson.dumps(value))
    if size > MAX_INPUT:
        raise _Unfit("input", f"the input has {size} bytes; {MAX_INPUT} are the most")
    return value


def _mapped(mapping: Any, values: Values, path: str) -> Json:
    match mapping:
        case Expression():
            return _json(_value(mapping, values, path), path, 0)
        case dict():
            return {name: _mapped(part, values, f"{path}/{name}") for name, part in mapping.items()}
        case list():
            return [_mapped(part, values, f"{path}/{index}") for index, part in enumerate(mapping)]
    return mapping


def _json(value: Any, path: str, depth: int) -> Json:
    """A value of an expression, if JSON can carry it."""
    if depth > MAX_NESTED:
        raise _Unfit(path, f"nested deeper than {MAX_NESTED} levels")
    match value:
        case None | bool():
            return value
        case str():
            if "\0" in value:
                raise _Unfit(path, "contains the character NUL")
            return value
        case int() if -(2**63) <= value < 2**64:
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_json(item, f"{path}/{index}", depth + 1) for index, item in enumerate(value)]
        case dict():
            return {_name(name, path): _json(item, f"{path}/{name}", depth + 1) for name, item in value.items()}
        case datetime() | timedelta():
            raise _Unfit(path, f"is a {_kind(value)}, which JSON has not; write string(…) around it")
    raise _Unfit(path, f"is {_kind(value)}, which JSON has not")


def _name(name: Any, path: str) -> str:
    if not isinstance(name, str) or "\0" in name:
        raise _Unfit(path, f"has a key that is {_kind(name)}; JSON has text alone")
    return name


def _key(key: Expression | None, values: Values) -> str | None:
    if key is None:
        return None
    text = _text(_value(key, values, "key"), "key")
    if text == "":
        raise _Unfit("key", "the key is empty")
    return text


def _labels(labels: dict[str, Expression], values: Values) -> dict[str, str]:
    found = {}
    for name, label in labels.items():
        value = _value(label, values, path := f"labels/{name}")
        if value is not None:
            found[name] = _text(value, path)
    return found


def _text(value: Any, path: str) -> str:
    try:
        text = key_text(value)
    except ValueError as error:
        raise _Unfit(path, str(error)) from None
    if "\0" in text:
        raise _Unfit(path, "contains the character NUL")
    return text


def _value(expression: Expression, values: Values, path: str) -> Any:
    try:
        return expression.value(values)
    except ValueError as error:
        raise _Unfit(path, str(error)) from None


def _kind(value: Any) -> str:
    names = {datetime: "timestamp", timedelta: "duration", bytes: "bytes", type(None): "null", dict: "an object"}
    names |= {str: "text", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), f"of an unknown kind ({type(value).__name__})")
