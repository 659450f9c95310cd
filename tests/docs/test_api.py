"""docs/api.md lists every operation with its scope, and every status that a problem may have."""

from __future__ import annotations

import re

from docs.pages import DOCS, bare, rows
from tradefree.service.callers import Needs
from tradefree.service.documents import PREFIX
from tradefree.service.openapi import MEANINGS, operations

PAGE = DOCS / "api.md"


def test_every_operation_is_listed_with_its_scope() -> None:
    listed = {
        operation: re.findall(r"`([a-z:]+)`", scope)[0]
        for paths, _, scope in rows(PAGE, "method and path", "what", "scope")
        for operation in re.findall(r"`([A-Z]+ [^`]+)`", paths)
    }
    there = {
        f"{method.upper()} {path.removeprefix(PREFIX)}": guard.scope.value
        for path, method, _, guard in operations()
        if isinstance(guard, Needs)
    }
    assert listed == there


def test_every_status_of_a_problem_is_listed() -> None:
    assert [int(bare(row[0])) for row in rows(PAGE, "status", "when")] == list(MEANINGS)
