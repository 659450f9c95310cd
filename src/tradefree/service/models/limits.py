"""Limits, reasons and the audit trail over the wire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tradefree.limits.caps import Burst, Caps, Mode, Override, Pending, RateText, Running
from tradefree.limits.scopes import Scope
from tradefree.service.models.fields import AS_DURATION, Request, Seconds
from tradefree.tasks.limiting import Waiting, unaccounted_in, waiting_in
from tradefree.tasks.ports import Entry
from tradefree.tasks.waits import Cause, Wait
from tradefree.tasks.why import Hold, View

YEAR = 366 * 86400.0
Reason = Annotated[StrictStr, Field(max_length=255, description="Shown to whoever asks why a task waits.")]
Lasts = Annotated[Seconds, Field(gt=0, le=YEAR), AS_DURATION]


class LimitRequest(Request):
    """Caps to replace; those left out stay as they are, and null lifts one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"max_running": 5, "for": "2h", "reason": "the model is slow today"}]},
        populate_by_name=True,
    )

    max_running: Running | None = None
    rate: RateText | None = None
    burst: Burst = 1
    max_pending: Pending | None = None
    lasts: Lasts | None = Field(None, alias="for", description="Left out: until it is reset.")
    reason: Reason = ""

    def values(self) -> dict[str, Any]:
        """The caps that were given."""
        names = ("max_running", "rate", "burst", "max_pending")
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class ModeRequest(Request):
    """Whether tasks of the scope may start."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mode": "paused", "reason": "Dify is being upgraded"}]}, populate_by_name=True
    )

    mode: Mode = Field(
        description="`paused`: nothing starts, and what was admitted and has not begun goes back in line. `draining`: "
        "nothing more is admitted, and what was admitted is worked off. `open`: as usual."
    )
    lasts: Lasts | None = Field(None, alias="for", description="Left out: until the next word.")
    reason: Reason = ""


class OverrideDocument(BaseModel):
    """What somebody changed."""

    values: dict[str, Any] = Field(description="Caps that are replaced; null: lifted.")
    until: datetime | None
    mode_until: datetime | None
    by: str
    at: datetime | None
    reason: str


class CeilingDocument(BaseModel):
    """What was learnt of a connection."""

    level: int = Field(description="Tasks it takes at once, as far as is known; 0 while it is down.")
    reason: str = Field(description="Why the level moved last.")
    cause: str | None = Field(None, description="The same for programs; null if an older version moved it.")
    calls: int = Field(0, description="How many calls the reason speaks of, if it does.")
    since: datetime
    down: bool
    probe_at: datetime | None = Field(description="While it is down: when a task is let through to see.")


class LimitDocument(BaseModel):
    """One scope: what holds in it, and what is in use."""

    scope: str = Field(examples=["type:summarize-order"])
    label: str = Field(description="The scope as people write it.")
    mode: Literal["open", "paused", "draining", "drained"]
    max_running: int | None
    rate: str | None
    burst: int
    max_pending: int | None
    baseline: dict[str, Any] = Field(description="The caps as they are defined.")
    override: OverrideDocument | None
    in_flight: int
    unaccounted: int = Field(description="Of these, places held by runs that nobody could account for yet.")
    waiting: int | None = Field(description="Pending tasks; null for a lane.")
    starts_left: int | None = Field(description="Starts that the rate allows now; null without a rate.")
    next_start_at: datetime | None = Field(description="When the rate allows the next start, if not now.")
    ceiling: CeilingDocument | None = Field(description="Of a connection whose ceiling is learnt.")
    held_by: dict[str, int] = Field(description="Task types that hold the places, the most first.")

    @classmethod
    def of(cls, scope: Scope, view: View) -> LimitDocument:
        caps, override = view.book.caps(scope), view.book.overrides.get(scope)
        rate, used, mode = caps.parsed_rate, view.used[scope], view.book.mode(scope)
        left = rate.allowed(view.standing.windows.get(scope, 0), view.micros) if rate is not None else None
        return cls(
            scope=str(scope),
            label=view.label(scope),
            mode="drained" if mode is Mode.DRAINING and not used else mode.value,
            **caps.model_dump(),
            baseline=_given(view.book.baseline(scope)),
            override=_override(override),
            in_flight=used,
            unaccounted=unaccounted_in(scope, view.book, view),
            waiting=waiting_in(scope, view.book, view.standing.waiting),
            starts_left=left,
            next_start_at=view.free_at(scope) if left == 0 else None,
            ceiling=_ceiling(view.ceiling(scope.name)) if scope.kind == "connection" else None,
            held_by=view.holders(scope) if used else {},
        )


class LimitList(BaseModel):
    """Every scope that is defined, changed or in use under a cap; the widest first."""

    items: list[LimitDocument]


class HoldDocument(BaseModel):
    """One reason why a task does not start. When all of them are lifted, it does."""

    kind: str = Field(
        description="`full`, `rate`, `paused`, `draining`, `ceiling`, `down`, `workers_full`, `no_worker`, "
        "`undefined`, `later`, `turn`, `claim`, `looked_up`."
    )
    scope: str
    message: str
    in_use: int | None
    places: int | None
    until: datetime | None = Field(description="When time alone will lift it.")
    held_by: dict[str, int]
    by: str | None = Field(None, description="Who paused or drains the scope.")
    reason: str | None = Field(None, description="The reason they gave.")

    @classmethod
    def of(cls, hold: Hold) -> HoldDocument:
        return cls.model_validate(hold, from_attributes=True)


class WaitingDocument(BaseModel):
    """Why a task waits."""

    holds: list[HoldDocument]
    ahead: int | None = Field(
        description="Tasks of its lane before it, counted to 1,000: 1000 means as many or more. Null: not in line."
    )

    @classmethod
    def of(cls, waiting: Waiting) -> WaitingDocument:
        return cls(holds=[HoldDocument.of(hold) for hold in waiting.holds], ahead=waiting.ahead)


class PieceDocument(BaseModel):
    """A time in which a task waited for one thing."""

    kind: str = Field(
        description="As in `holds`: `full`, `rate`, `paused`, ...; `key`: tasks of its key ran before it; `turn`: "
        "nothing held its type, others were before it; `later`: it was not due; `answer`: a person was asked."
    )
    scope: str = Field(examples=["connection:main"])
    began_at: datetime
    ended_at: datetime = Field(description="Of a wait that goes on: now.")


class WaitedDocument(BaseModel):
    """How long a task waited for one thing, all in all."""

    kind: str
    scope: str
    seconds: float


class WaitsDocument(BaseModel):
    """What a task waited for."""

    items: list[PieceDocument] = Field(description="In order.")
    totals: list[WaitedDocument] = Field(description="The longest first.")

    @classmethod
    def of(cls, waits: Sequence[Wait]) -> WaitsDocument:
        totals: defaultdict[Cause, float] = defaultdict(float)
        for wait in waits:
            totals[wait.cause] += (wait.ended_at - wait.began_at).total_seconds()
        longest_first = sorted(totals.items(), key=lambda total: -total[1])
        return cls(
            items=[
                PieceDocument(**wait.cause._asdict(), began_at=wait.began_at, ended_at=wait.ended_at) for wait in waits
            ],
            totals=[WaitedDocument(**cause._asdict(), seconds=seconds) for cause, seconds in longest_first],
        )


class AuditEntry(BaseModel):
    """One line of the audit trail."""

    id: str
    at: datetime
    actor: str
    action: str = Field(examples=["limit.pause"])
    target: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> AuditEntry:
        return cls.model_validate(entry, from_attributes=True)


class AuditPage(BaseModel):
    """What people changed, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


def _given(caps: Caps) -> dict[str, Any]:
    return caps.model_dump(exclude_defaults=True)


def _override(override: Override | None) -> OverrideDocument | None:
    if override is None:
        return None
    return OverrideDocument.model_validate(override.model_dump(include=set(OverrideDocument.model_fields)))


def _ceiling(learnt: Mapping[str, Any] | None) -> CeilingDocument | None:
    if learnt is None:
        return None
    down = bool(learnt["downs"]) and learnt["level"] <= 1
    return CeilingDocument(
        level=learnt["level"],
        reason=learnt["reason"],
        cause=learnt.get("cause"),
        calls=learnt.get("calls", 0),
        since=datetime.fromtimestamp(learnt["since"], UTC),
        down=down,
        probe_at=datetime.fromtimestamp(learnt["probe_at"], UTC) if down else None,
    )
