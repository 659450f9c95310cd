"""The rulebook: triggers, compiled, found by the type of an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tradefree.events.trigger import Kept, Trigger, expression
from tradefree.expressions import Expression, conjuncts


@dataclass(frozen=True)
class Rule:
    """A trigger of one version, ready to be tried on events."""

    trigger: Trigger
    version: int

    @cached_property
    def conditions(self) -> tuple[Expression, ...]:
        """The parts of its filter, which must all be true."""
        return tuple(expression(text) for text in conditions_of(self.trigger))

    @cached_property
    def input(self) -> Any:
        """The input mapping with an expression in the place of each text."""
        return _compiled(self.trigger.input)

    @cached_property
    def key(self) -> Expression | None:
        return expression(self.trigger.key) if self.trigger.key is not None else None

    @cached_property
    def labels(self) -> dict[str, Expression]:
        return {name: expression(text) for name, text in self.trigger.labels.items()}


def conditions_of(trigger: Trigger) -> list[str]:
    """The parts of a trigger's filter as text. A part that cannot stand alone leaves the filter whole."""
    if trigger.filter is None:
        return []
    parts = conjuncts(trigger.filter)
    try:
        for part in parts:
            expression(part)
    except ValueError:
        return [trigger.filter]
    return parts


class Rulebook:
    """Every enabled trigger. Those that look at an event are found without trying the others."""

    def __init__(self, kept: Iterable[Kept] = ()) -> None:
        self._exact: dict[str, list[Rule]] = defaultdict(list)
        self._prefixes: dict[str, list[Rule]] = defaultdict(list)
        for each in sorted(kept, key=lambda each: each.trigger.name):
            if each.trigger.enabled:
                rule = Rule(each.trigger, each.version)
                prefix = each.trigger.prefix
                (self._exact[each.trigger.event] if prefix is None else self._prefixes[prefix]).append(rule)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def rules_for(self, event_type: str) -> list[Rule]:
        """The rules that look at events of this type, by name."""
        found = list(self._exact.get(event_type, ()))
        for length in self._lengths:
            if length > len(event_type):
                break
            found += self._prefixes.get(event_type[:length], ())
        return sorted(found, key=lambda rule: rule.trigger.name)


def _compiled(mapping: Any) -> Any:
    match mapping:
        case str():
            return expression(mapping)
        case dict():
            return {name: _compiled(part) for name, part in mapping.items()}
        case list():
            return [_compiled(part) for part in mapping]
    return mapping
