"""GET /system: what runs here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.models.system import SystemDocument

router = APIRouter(prefix="/system", tags=["system"], route_class=StrictRoute)


@router.get("", operation_id="get_system", summary="See what runs here")
async def get_system(request: Request, _: Annotated[Caller, needs(Scope.ADMIN)]) -> SystemDocument:
    """Versions, database and broker, the settings of the service that answers, and how it stands with backups.

    Services do not know of one another, only of the one that leads; workers are under `/workers`.
    """
    system = system_of(request)
    return SystemDocument(
        version=system.version,
        broker=system.settings.broker_url.partition("://")[0],
        leads=system.dispatcher.epoch is not None,
        settings=system.settings.shown(),
        **await system.about(),
    )
