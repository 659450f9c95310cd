"""The application: routers, errors and request ids, put together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI

from tradefree.service import context, openapi, problems, reference
from tradefree.service.documents import PREFIX
from tradefree.service.request_ids import RequestIds
from tradefree.service.routers import GUARDED, OPEN, submit
from tradefree.service.shortcut import Shortcut

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def create_app(system: context.System, *, lifespan: Lifespan | None = None) -> FastAPI:
    """The task service of one process. What must start and stop with it belongs into ``lifespan``.

    A server that is told to stop should set ``context.closing_of(app)``: it ends the open streams.
    """
    app = FastAPI(
        title="Tradefree AI task system",
        version=system.version,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    context.keep(app, system)
    for router in OPEN:
        app.include_router(router)
    for router in GUARDED:
        app.include_router(router, prefix=PREFIX)
    problems.install(app)
    openapi.install(app)
    reference.install(app)
    busiest = submit.route()
    app.add_middleware(Shortcut, method="POST", path=PREFIX + busiest.path, handler=busiest.get_route_handler())
    app.add_middleware(RequestIds)
    return app
