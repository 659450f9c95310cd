"""The parent process: signals, and for ``auto`` a look at the queues every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import structlog

from tradefree.bootstrap import make_store
from tradefree.clock import Clock, SystemClock, wait_at_most
from tradefree.errors import TradefreeError
from tradefree.settings import Settings
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.measure import Measuring
from tradefree.worker.crew.crew import Crew
from tradefree.worker.crew.demand import Watch
from tradefree.worker.crew.member import Program, environment_of
from tradefree.worker.crew.scaling import Bounds, Scaling

LOOK_EVERY = 2.0
"""Seconds between looks at the queues at the least."""
LOOK_SHARE = 20.0
"""Looking takes at most one part of so many of the time, should the database be slow or large."""

log = structlog.get_logger(__name__)


def run_crew(settings: Settings) -> int:
    """Run worker processes until told to stop; the exit code."""
    return asyncio.run(_run(settings))


def bounds_of(settings: Settings) -> Bounds:
    """How few and how many processes: the same number twice, unless it is ``auto``."""
    if settings.processes != "auto":
        number = int(settings.processes)
        return Bounds(number, number, settings.scale_wait, settings.scale_calm)
    most = settings.processes_max or max(settings.processes_min, len(os.sched_getaffinity(0)))
    return Bounds(settings.processes_min, most, settings.scale_wait, settings.scale_calm)


def program_of(settings: Settings) -> Program:
    """This very program, as a worker that is tied to us."""

    def command(tether: int) -> list[str]:
        ours = ["--concurrency", str(settings.concurrency), "--queues", settings.queues]
        return [
            sys.executable,
            "-m",
            "tradefree.cli.main",
            "worker",
            *ours,
            "--processes",
            "1",
            "--tether",
            str(tether),
        ]

    log_file = str(settings.log_file) if settings.log_file is not None else None
    return Program(command, lambda number: environment_of(number, log_file))


async def _run(settings: Settings) -> int:
    clock, bounds = SystemClock(), bounds_of(settings)
    crew = Crew(program_of(settings), clock, drain_timeout=settings.drain_timeout)
    changes: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, crew.stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: changes.add(asyncio.create_task(crew.change())))
    crew.resize(bounds.least)
    async with _scaled(settings, crew, bounds, clock):
        await crew.over.wait()
    await crew.finish()
    return crew.exit_code


@contextlib.asynccontextmanager
async def _scaled(settings: Settings, crew: Crew, bounds: Bounds, clock: Clock) -> AsyncIterator[None]:
    """Let the crew grow and shrink while the block runs, if there is anything to decide."""
    if bounds.least == bounds.most:
        yield
        return
    store = make_store(settings, clock)
    watch = Watch(
        Measuring(store, Catalog(store, clock), clock), settings.queue_names, lambda: crew.pids, lambda: crew.arrived
    )
    scaling = asyncio.create_task(_scale(crew, watch, Scaling(bounds, settings.concurrency), clock))
    try:
        yield
    finally:
        scaling.cancel()
        await asyncio.wait({scaling})
        await store.close()


async def _scale(crew: Crew, watch: Watch, scaling: Scaling, clock: Clock) -> None:
    while True:
        began = clock.monotonic()
        await _look(crew, watch, scaling, clock)
        took = clock.monotonic() - began
        await wait_at_most(crew.over, max(LOOK_EVERY, took * LOOK_SHARE))


async def _look(crew: Crew, watch: Watch, scaling: Scaling, clock: Clock) -> None:
    """Whatever goes wrong, the processes that are there go on."""
    try:
        demand = await watch.look()
    except TradefreeError as error:
        log.warning("the queues cannot be looked at; the number of processes stays", error=str(error))
        return
    except Exception:
        log.exception("looking at the queues failed unexpectedly; the number of processes stays")
        return
    size = crew.size
    wanted = scaling.wanted(size, demand, clock.monotonic())
    if wanted != size:
        log.info(
            "scaling",
            processes=wanted,
            before=size,
            predicted_wait=round(demand.predicted, 1),
            in_flight=demand.in_flight,
        )
        crew.resize(wanted)
