"""What the service may say, read from its code, beside the console's Chinese sentences in ``console/src/retold``."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tradefree"
ELSEWHERE = ("cli", "client", "testing", "backups")
"""Packages that say nothing to the console."""


@dataclass(frozen=True)
class Said:
    """A code that stands in a call, and the facts that the call gives with it."""

    code: str
    facts: frozenset[str]
    where: str


def retold(name: str) -> Any:
    """One of the console's files of sentences."""
    return json.loads((ROOT / "console" / "src" / "retold" / f"{name}.json").read_text(encoding="utf-8"))


def holes(sentence: str) -> set[str]:
    """The facts that a sentence needs."""
    return set(re.findall(r"\{\{(\w+)\}\}", sentence))


def calls(*names: str) -> Iterator[tuple[ast.Call, str]]:
    """Calls of functions, classes or methods with one of the names, and where each is."""
    for path in sorted(SOURCE.rglob("*.py")):
        inside = path.relative_to(SOURCE)
        if inside.parts[0] not in ELSEWHERE:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in names:
                    yield node, f"{inside}:{node.lineno}"


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def literal(node: ast.expr | None) -> str | None:
    """The text of a constant."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def given(call: ast.Call, name: str) -> ast.expr | None:
    """A keyword's value."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def keys(node: ast.expr | None) -> frozenset[str]:
    """The names in a dictionary that is written out."""
    found = [literal(key) for key in node.keys if key is not None] if isinstance(node, ast.Dict) else []
    return frozenset(name for name in found if name is not None)


def told(event: str, data: Mapping[str, Any] | None, attempt: int = 1) -> str | None:
    """A log line in Chinese, chosen as ``console/src/retold/line.ts`` does; None if it would stay in English."""
    facts = {"attempt": attempt, **({"why": ""} if "error" in (data or {}) else {}), **(data or {})}
    key = f"{event}:{facts['case']}" if facts.get("case") else event
    choices = _log().get(key, [])
    filled = (each for each in ([choices] if isinstance(choices, str) else choices) if _fit(each, facts))
    return next(filled, None)


def _fit(sentence: str, facts: Mapping[str, Any]) -> bool:
    return all(isinstance(facts.get(name), str | int | float) for name in holes(sentence))


@cache
def _log() -> Any:
    return retold("log")
