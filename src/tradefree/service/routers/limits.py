"""/limits and /audit: what holds in each scope, changed while the system runs, and who changed it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tradefree.access.scopes import Scope as Right
from tradefree.errors import InvalidInput
from tradefree.limits.caps import Caps
from tradefree.limits.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.cursor import decode, encode
from tradefree.service.models.fields import Moment
from tradefree.service.models.limits import AuditEntry, AuditPage, LimitDocument, LimitList, LimitRequest, ModeRequest
from tradefree.service.models.tasks import MAX_PAGE, PAGE
from tradefree.tasks.limiting import known_scopes, type_names
from tradefree.tasks.why import View

router = APIRouter(prefix="/limits", tags=["limits"], route_class=StrictRoute)
audit_router = APIRouter(prefix="/audit", tags=["limits"], route_class=StrictRoute)

NO_SCOPE: dict[int | str, dict[str, Any]] = {422: {"description": "No scope is written like that."}}


@router.get("", operation_id="list_limits", summary="List the limits")
async def list_limits(request: Request, caller: Annotated[Caller, needs(Right.DEFINITIONS_READ)]) -> LimitList:
    """Every scope that is defined, changed or in use under a cap: what holds, what is in use, what waits."""
    view = await system_of(request).limiting.view()
    scopes = [scope for scope in known_scopes(view.book, view) if _sees(caller, scope, view)]
    return LimitList(items=[LimitDocument.of(scope, view) for scope in scopes])


@router.get("/{scope:path}", operation_id="get_limit", responses=NO_SCOPE, summary="Look at a limit")
async def get_limit(
    request: Request, caller: Annotated[Caller, needs(Right.DEFINITIONS_READ)], scope: str
) -> LimitDocument:
    """One scope: `everything`, `queue:NAME`, `connection:NAME`, `type:NAME`, `limit:NAME` or `lane:TYPE/KEY`."""
    system = system_of(request)
    found, _ = await system.limiting.scope(scope)
    view = await system.limiting.view()
    _require(caller, found, view)
    return LimitDocument.of(found, view)


@router.put("/{scope:path}/mode", operation_id="set_limit_mode", summary="Pause, drain or resume a scope")
async def set_limit_mode(
    request: Request, caller: Annotated[Caller, needs(Right.DEFINITIONS_WRITE)], scope: str, body: ModeRequest
) -> LimitDocument:
    """Holds within a second, without a restart, and is written to the audit trail."""
    system = system_of(request)
    await _may_change(system, caller, scope)
    found = await system.limiting.set_mode(scope, body.mode, lasts=body.lasts, reason=body.reason, by=caller.name)
    return LimitDocument.of(found, await system.limiting.view())


@router.put("/{scope:path}/baseline", operation_id="define_limit", summary="Define a limit")
async def define_limit(
    request: Request, caller: Annotated[Caller, needs(Right.DEFINITIONS_WRITE)], scope: str, body: Caps
) -> LimitDocument:
    """Sets the caps of `everything`, a `queue:NAME` or a shared `limit:NAME`, as `tradefree apply` does."""
    system = system_of(request)
    found = Scope(*scope.partition(":")[::2])
    await _may_change(system, caller, scope, known=False)
    await system.limiting.define(scope, body, by=caller.name)
    return LimitDocument.of(found, await system.limiting.view())


@router.patch("/{scope:path}", operation_id="change_limit", summary="Change a limit")
async def change_limit(
    request: Request, caller: Annotated[Caller, needs(Right.DEFINITIONS_WRITE)], scope: str, body: LimitRequest
) -> LimitDocument:
    """Replaces caps of a scope, for a time or until they are reset. What is defined stays and is shown as `baseline`.

    Holds within a second, without a restart, and is written to the audit trail.
    """
    system = system_of(request)
    await _may_change(system, caller, scope)
    values = body.values()
    if not values:
        raise InvalidInput("give at least one of max_running, rate, burst, max_pending", code="nothing_given")
    found = await system.limiting.change(scope, values, lasts=body.lasts, reason=body.reason, by=caller.name)
    return LimitDocument.of(found, await system.limiting.view())


@router.delete("/{scope:path}", operation_id="reset_limit", responses=NO_SCOPE, summary="Reset a limit")
async def reset_limit(
    request: Request, caller: Annotated[Caller, needs(Right.DEFINITIONS_WRITE)], scope: str
) -> LimitDocument:
    """Back to what is defined: replaced caps and a pause are gone."""
    system = system_of(request)
    await _may_change(system, caller, scope)
    found = await system.limiting.reset(scope, by=caller.name)
    return LimitDocument.of(found, await system.limiting.view())


class AuditQuery(BaseModel):
    """The parameters of a look at the audit trail."""

    model_config = ConfigDict(extra="forbid")

    target: str | None = Field(None, min_length=1, max_length=255, description="What was changed.")
    actor: str | None = Field(None, min_length=1, max_length=255, description="Who changed it.")
    action: str | None = Field(
        None,
        pattern=r"^[a-z._-]{0,63}\*?$",
        description="What was done, `limit.pause`; `*` at the end for anything that begins so.",
        examples=["limit.*"],
    )
    after: Moment | None = Field(None, description="Done since.")
    before: Moment | None = Field(None, description="Done by then.")
    limit: int = Field(PAGE, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(None, max_length=200)


@audit_router.get("", operation_id="list_audit", summary="Read the audit trail")
async def list_audit(
    request: Request, _: Annotated[Caller, needs(Right.ADMIN)], query: Annotated[AuditQuery, Query()]
) -> AuditPage:
    """Who changed what, newest first."""
    below = decode(query.cursor) if query.cursor is not None else None
    found = await system_of(request).store.audit(
        before_id=below, **query.model_dump(exclude={"limit", "cursor"}), limit=query.limit + 1
    )
    page = found[: query.limit]
    return AuditPage(
        items=[AuditEntry.of(entry) for entry in page],
        next_cursor=encode(page[-1].id) if len(found) > len(page) else None,
    )


def _sees(caller: Caller, scope: Scope, view: View) -> bool:
    """A key for some task types sees the scopes of these types only."""
    names = type_names(scope, view.book)
    return caller.task_types is None or (names is not None and any(map(caller.may_touch, names)))


def _require(caller: Caller, scope: Scope, view: View) -> None:
    for name in type_names(scope, view.book) or ():
        caller.require_type(name)
    if type_names(scope, view.book) is None and caller.task_types is not None:
        caller.require_type(str(scope))


async def _may_change(system: System, caller: Caller, text: str, *, known: bool = True) -> None:
    """Raise Forbidden unless the key is for every task type in the scope."""
    if caller.task_types is None:
        return
    if not known:
        caller.require_type(text)
    found, _ = await system.limiting.scope(text)
    _require(caller, found, await system.limiting.view())
