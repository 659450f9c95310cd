"""GET /metrics: for Prometheus."""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import APIRouter, Request, Response

from tradefree.errors import Unauthorized
from tradefree.metrics.page import admits
from tradefree.service.bodies import StrictRoute
from tradefree.service.context import system_of
from tradefree.settings import Settings

router = APIRouter(tags=["system"], route_class=StrictRoute)


@router.get("/metrics", operation_id="get_metrics", summary="Scrape the metrics", include_in_schema=False)
async def get_metrics(request: Request) -> Response:
    """In Prometheus' text format, or as OpenMetrics if that is asked for."""
    system = system_of(request)
    require_scraper(system.settings, request.headers.get("authorization"))
    text, media_type = await system.metrics.render(request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": media_type})


def require_scraper(settings: Settings, authorization: str | None) -> None:
    """Raise Unauthorized unless the token is right or, where none is set, only this machine reaches the service."""
    if settings.metrics_token is None:
        if not _loopback(settings.host):
            raise Unauthorized("set TRADEFREE_METRICS_TOKEN, and send it as Authorization: Bearer")
    elif not admits(settings.metrics_token.get_secret_value(), authorization):
        raise Unauthorized("send Authorization: Bearer with TRADEFREE_METRICS_TOKEN")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
