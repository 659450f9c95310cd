"""Raw results: one JSON file for each section and day."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.machine import facts
from bench.servers import mysql_program

RESULTS = Path(__file__).with_name("results")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What one run of a section measured."""

    section: str
    measured_at: str
    """ISO 8601, UTC."""
    options: Mapping[str, Any]
    machine: Mapping[str, Any]
    rows: Sequence[Row]
    """As measured, nothing averaged."""


def save(section: str, options: Mapping[str, Any], rows: Sequence[Row], folder: Path = RESULTS) -> Path:
    """Write a section's raw numbers, with the machine's facts; replaces those of the same day."""
    now = datetime.now(UTC)
    result = Result(section, now.isoformat(timespec="seconds"), options, facts(mysql_program()), rows)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}-{section}.json"
    path.write_text(dumps(result), encoding="utf-8")
    return path


def dumps(result: Result) -> str:
    """JSON with one line for each row, so that a change of it can be read."""
    head = {key: value for key, value in vars(result).items() if key != "rows"}
    rows = ",\n  ".join(json.dumps(_rounded(row), ensure_ascii=False) for row in result.rows)
    return json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "rows": [\n  {rows}\n ]\n}}\n'


def latest(section: str, folder: Path = RESULTS) -> Result | None:
    """The newest result of a section."""
    files = sorted(folder.glob(f"????-??-??-{section}.json"))
    return Result(**json.loads(files[-1].read_text(encoding="utf-8"))) if files else None


def _rounded(value: Any) -> Any:
    """Microseconds are enough."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
