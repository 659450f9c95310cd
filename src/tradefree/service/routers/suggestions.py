"""GET /tasks/suggestions: what may be meant, while somebody types a filter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.models.fields import Types
from tradefree.service.models.tasks import SuggestionList
from tradefree.tasks.suggest import Suggested, suggest

router = APIRouter(prefix="/tasks/suggestions", tags=["tasks"], route_class=StrictRoute)


class SuggestionQuery(BaseModel):
    """What is typed, and where."""

    model_config = ConfigDict(extra="forbid")

    field: Suggested
    prefix: str = Field("", max_length=255, description="What is typed so far; upper and lower case are the same.")
    type: Types = Field(default_factory=list, description="Of tasks of these types only.")


@router.get("", operation_id="suggest_filters", summary="Suggest values for a filter")
async def suggest_filters(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ)],
    query: Annotated[SuggestionQuery, Query()],
) -> SuggestionList:
    """Up to 20 values that begin so, of the newest 2,000 tasks (of these types) as far as the key may see them.

    Labels come as names with a colon until the prefix has one, then as `name:value`.
    """
    wanted = caller.only(types=tuple(query.type))
    return SuggestionList(items=await suggest(system_of(request).store, query.field, query.prefix, wanted))
