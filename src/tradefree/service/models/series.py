"""What happened when, and what waits, over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from tradefree.tasks.measure import Held
from tradefree.tasks.series import Cell, Place, Scale, percentile

HALF, MOST = 0.5, 0.95


class SeriesPoint(BaseModel):
    """What happened in one stretch of time."""

    at: datetime = Field(description="When it began.")
    accepted: int
    completed: int
    failed: int
    cancelled: int
    wait_p50: float | None = Field(description="Seconds from due to begun, of tasks that ended then; null without any.")
    wait_p95: float | None
    run_p50: float | None = Field(description="Seconds that their last attempts took.")
    run_p95: float | None
    tokens: int
    cost: dict[str, float] = Field(description="By currency.", examples=[{"USD": 0.0125}])

    @classmethod
    def of(cls, at: datetime, cell: Cell) -> SeriesPoint:
        return cls(at=at, accepted=cell.accepted, cancelled=cell.cancelled, **_common(cell))


class SeriesOfType(BaseModel):
    """What happened to tasks of one type in all that time."""

    type: str
    completed: int
    failed: int
    cancelled: int
    wait_p50: float | None
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None
    tokens: int
    cost: dict[str, float]


class SeriesDocument(BaseModel):
    """What happened when. Sums are some seconds behind."""

    model_config = ConfigDict(populate_by_name=True)

    begin: datetime = Field(alias="from", description="The beginning of the first point's stretch.")
    end: datetime = Field(alias="to")
    bucket_seconds: int = Field(description="From point to point.")
    points: list[SeriesPoint] = Field(description="Every point of that time, also where nothing happened.")
    by_type: list[SeriesOfType] = Field(description="Those with the most ended tasks first.")

    @classmethod
    def of(cls, scale: Scale, cells: Mapping[Place, Cell]) -> SeriesDocument:
        points = {at: Cell() for at in scale.moments()}
        types: dict[str, Cell] = {}
        for place, cell in cells.items():
            points[scale.moment_of(place.at)].add(cell)
            types.setdefault(place.type, Cell()).add(cell)
        busiest = sorted(types.items(), key=lambda item: (-_ended(item[1]), item[0]))
        return cls(
            begin=scale.begin,
            end=scale.end,
            bucket_seconds=scale.step,
            points=[SeriesPoint.of(at, cell) for at, cell in points.items()],
            by_type=[SeriesOfType(type=name, cancelled=cell.cancelled, **_common(cell)) for name, cell in busiest],
        )


def _ended(cell: Cell) -> int:
    return cell.completed + cell.failed + cell.cancelled


def _common(cell: Cell) -> dict[str, object]:
    return {
        "completed": cell.completed,
        "failed": cell.failed,
        "tokens": cell.tokens,
        "cost": {currency: float(price) for currency, price in cell.cost.items()},
        "wait_p50": percentile(cell.waits, HALF),
        "wait_p95": percentile(cell.waits, MOST),
        "run_p50": percentile(cell.runs, HALF),
        "run_p95": percentile(cell.runs, MOST),
    }


class WaitDocument(BaseModel):
    """Pending tasks of one type, and the first thing that holds them."""

    type: str
    kind: str = Field(
        description="As in `holds` of a task; `key`: as many of their key run as may; `turn`: nothing holds them."
    )
    scope: str = Field(examples=["queue:default"])
    message: str
    by: str | None = Field(None, description="Who paused or drains the scope.")
    reason: str | None = Field(None, description="The reason they gave.")
    tasks: int

    @classmethod
    def of(cls, held: Held) -> WaitDocument:
        hold = held.hold
        return cls(
            type=held.type,
            kind=hold.kind,
            scope=hold.scope,
            message=hold.message,
            by=hold.by,
            reason=hold.reason,
            tasks=held.tasks,
        )


class WaitList(BaseModel):
    """What waits and why; the most first."""

    items: list[WaitDocument]
