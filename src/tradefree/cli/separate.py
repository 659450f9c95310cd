"""``tradefree api`` and ``tradefree worker``: the parts as processes of their own."""

from __future__ import annotations

import asyncio
import contextlib

import structlog
import uvloop

from tradefree.bootstrap import make_celery, make_signals, open_system
from tradefree.cli.serving import listen, serve
from tradefree.errors import SettingsError
from tradefree.logs import configure_logging
from tradefree.settings import Settings
from tradefree.worker.crew.main import run_crew
from tradefree.worker.crew.tether import Tether
from tradefree.worker.main import NEEDS_BROKER, node_name, options, prepare

log = structlog.get_logger(__name__)


def run_api(settings: Settings) -> None:
    """Serve until interrupted."""
    _require_broker(settings)
    configure_logging(settings)
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


def run_worker(settings: Settings, tether: int | None = None) -> None:
    """Work until interrupted: once drains, twice hands back at once. ``tether``: see ``Tether``."""
    _require_broker(settings)
    configure_logging(settings)
    celery = make_celery(settings)
    tied = None if tether is None else Tether(tether, settings.drain_timeout)
    troubles = prepare(celery, settings, make_signals(settings), tether=tied)
    worker = celery.Worker(**options(node_name()))
    if tied is not None:
        tied.hold()  # Celery heeds signals from here on
    worker.start()
    if troubles:
        raise troubles[0]
    raise SystemExit(worker.exitcode or 0)


def run_workers(settings: Settings) -> None:
    """Let several processes work until interrupted."""
    _require_broker(settings)
    configure_logging(settings)
    raise SystemExit(run_crew(settings))


async def _serve(settings: Settings) -> None:
    with contextlib.closing(listen(settings)) as listener:
        async with open_system(settings, make_signals(settings), make_celery(settings)) as system:

            async def ready(url: str) -> None:
                log.info("service ready", url=url)

            await serve(system, listener, ready)


def _require_broker(settings: Settings) -> None:
    if settings.embedded:
        raise SettingsError(NEEDS_BROKER)
