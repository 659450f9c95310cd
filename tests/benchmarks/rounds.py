"""Rows as the sections give them, made up."""

from __future__ import annotations

from typing import Any

from bench.results import Result, Row

MACHINE: dict[str, Any] = {
    "cores": 2,
    "cpu": "a processor",
    "memory_gb": 24.0,
    "python": "3.11",
    "commit": "0123456789ab",
    "changed_since": False,
}


def measured(side: str, number: int, rate: float, *, size: int = 150, **cpu: float) -> Row:
    """One measurement of 1,000 tasks. ``cpu``: seconds of each process in all."""
    spent = {name: float(seconds) for name, seconds in (cpu or {"worker": 1.0, "client": 0.5}).items()}
    return {
        "round": number,
        "side": side,
        "tasks": 1000,
        "size": size,
        "seconds": 1000 / rate,
        "submit_seconds": 0.5,
        "cpu": spent,
    }


def result(section: str, *rows: Row) -> Result:
    return Result(section, "2026-11-24T10:00:00+00:00", {}, MACHINE, rows)
