"""docs/lifecycle.md draws the moves that the code allows; docs/glossary.md knows every status."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import pytest

from docs.pages import DOCS, bare, fences, rows, section
from tradefree.tasks import ports, transitions
from tradefree.tasks.states import MOVES, Status
from tradefree.tasks.task import AttemptOutcome

LIFECYCLE = DOCS / "lifecycle.md"
GLOSSARY = DOCS / "glossary.md"
ALLOWED = {(str(start), str(end)) for start, ends in MOVES.items() for end in ends}
EVERY_MOVE = list(rows(LIFECYCLE, "from", "to", "made by", "when"))


def names(cells: Iterable[list[str]]) -> list[str]:
    return [bare(row[0]) for row in cells]


def values(enum: type[StrEnum]) -> list[str]:
    return sorted(enum)


def test_the_diagram_has_exactly_the_moves_that_are_allowed() -> None:
    (diagram,) = fences(LIFECYCLE, "mermaid")
    drawn = re.findall(r"^\s*(\w+) --> (\w+)", diagram.text, re.MULTILINE)
    assert set(drawn) == ALLOWED
    assert len(drawn) == len(ALLOWED), "a move is drawn twice"


def test_the_table_has_exactly_the_moves_that_are_allowed() -> None:
    assert {(bare(row[0]), bare(row[1])) for row in EVERY_MOVE} == ALLOWED


@pytest.mark.parametrize("maker", sorted({bare(row[2]) for row in EVERY_MOVE if row[2] != "none yet"}))
def test_moves_are_made_by_what_there_is(maker: str) -> None:
    owner, name = maker.split(".")
    home = transitions if owner == "transitions" else getattr(ports, owner)
    assert callable(getattr(home, name))


def test_every_status_is_explained() -> None:
    heading = ("status", "meaning")
    assert sorted(names(rows(LIFECYCLE, *heading))) == values(Status)
    assert sorted(names(rows(GLOSSARY, *heading))) == values(Status)


def test_every_outcome_is_explained() -> None:
    assert sorted(names(rows(LIFECYCLE, "outcome", "meaning", "counted in"))) == values(AttemptOutcome)


def test_a_cancel_is_explained_for_every_status() -> None:
    told = re.findall(r"`(\w+)`", section(LIFECYCLE, "Cancel, in every state"))
    assert set(Status) <= set(told)


def test_the_counts_are_those_of_the_code() -> None:
    text = section(LIFECYCLE, "What is counted")
    assert f"after {transitions.SUSPECT_AFTER} the task runs alone" in text
    assert f"after {transitions.POISON_AFTER} it fails" in text
