"""The application: routers, errors and request ids, put together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from tradefree.service import context, openapi, problems, reference
from tradefree.service.counting import Counting
from tradefree.service.documents import PREFIX
from tradefree.service.live import Live
from tradefree.service.pages import BUILT, PageRoute, Pages
from tradefree.service.request_ids import RequestIds
from tradefree.service.routers import GUARDED, OPEN, events, submit
from tradefree.service.shortcut import Shortcut
from tradefree.service.tracing import Tracing

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def create_app(system: context.System, *, lifespan: Lifespan | None = None, console: Path = BUILT) -> FastAPI:
    """The task service of one process. What must start and stop with it belongs into ``lifespan``.

    ``console`` is the folder of the console's build.
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
    pages = Pages(console)
    context.keep(app, system, pages)
    for router in OPEN:
        app.include_router(router)
    for router in GUARDED:
        app.include_router(router, prefix=PREFIX)
    problems.install(app)
    openapi.install(app)
    reference.install(app)
    app.state.live = Live(system)
    app.router.routes.append(PageRoute(pages))
    for busy in (events.route(), submit.route()):
        app.add_middleware(Shortcut, method="POST", path=PREFIX + busy.path, handler=busy.get_route_handler())
    app.add_middleware(RequestIds)
    app.add_middleware(Counting, counts=system.happened)
    if system.tracer is not None:
        app.add_middleware(Tracing, tracer=system.tracer)
    return app
