"""/, /healthz, /readyz: for load balancers and for whoever wonders what this is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tradefree.service.bodies import StrictRoute
from tradefree.service.context import leaving_of, pages_of, system_of
from tradefree.service.models.problem import FieldProblem, Problem
from tradefree.service.models.system import Alive, Landing, Ready
from tradefree.service.pages import navigates
from tradefree.service.problems import answer

router = APIRouter(tags=["system"], route_class=StrictRoute)


@router.get(
    "/", operation_id="get_landing", summary="See what this is", response_model=Landing, include_in_schema=False
)
async def get_landing(request: Request, response: Response) -> object:
    """Name, version and where to go; a browser gets the console."""
    if navigates(request.scope):
        return pages_of(request).page()
    response.headers["Vary"] = "Accept"
    links = {"docs": "/docs", "openapi": "/openapi.json", "api": "/api/v1", "health": "/healthz", "ready": "/readyz"}
    links["metrics"] = "/metrics"
    return Landing(name="Tradefree AI task system", version=system_of(request).version, links=links)


@router.get("/healthz", operation_id="get_health", summary="Ask if the process lives")
async def get_health(request: Request) -> Alive:
    """Answers as long as the process does, whatever else is down."""
    return Alive(version=system_of(request).version)


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="Ask if the service can work",
    response_model=Ready,
    responses={503: {"model": Problem, "description": "The database does not answer, or the service stops."}},
)
async def get_readiness(request: Request) -> object:
    """Asks the database and the broker. Without the broker tasks are still accepted and start, only later: the service
    is `degraded`, and a load balancer must not take all of them away."""
    system = system_of(request)
    leaving = leaving_of(request.app).is_set()
    parts = {"service": "it stops; ask another"} if leaving else await system.ping()
    broken = {part: problem for part, problem in parts.items() if problem is not None}
    if not leaving and "database" not in broken:
        return Ready(
            status="degraded" if broken else "ready",
            version=system.version,
            leads=system.dispatcher.epoch is not None,
            parts={part: problem or "ok" for part, problem in parts.items()},
        )
    problem = Problem(
        type="urn:tradefree:problem:not-ready",
        title="A part of the service does not answer",
        status=503,
        detail="; ".join(f"{part}: {reason}" for part, reason in broken.items()),
        errors=[FieldProblem(field=part, reason=reason) for part, reason in broken.items()],
    )
    return answer(problem, request)
