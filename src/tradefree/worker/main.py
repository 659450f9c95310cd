"""A worker: Celery's own, with the runtime as one of its steps."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from celery import Celery
from celery.concurrency import get_implementation
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_init, setup_logging

from tradefree.bootstrap import VERSION, RunningSignals, make_celery, make_happened, make_signals, open_worker
from tradefree.errors import SettingsError
from tradefree.ids import new_id
from tradefree.logs import configure_logging
from tradefree.metrics.happened import Happened
from tradefree.metrics.server import serving
from tradefree.settings import Settings, load_settings
from tradefree.worker.bootstep import Troubles, install
from tradefree.worker.consumer import CalmConsumer
from tradefree.worker.crew.tether import Tether
from tradefree.worker.runtime import Runtime

NEEDS_BROKER = (
    "TRADEFREE_BROKER_URL: memory:// works inside one process only; set a redis:// URL, or run `tradefree up`"
)
NO_OTHER_POOL = (
    "the pool is always `solo`: leave out --pool and --autoscale, and say with -c how many tasks run at once"
)
NAME_AT_MOST = 200
"""Characters of a worker's name; the database has room for 255 with what is added."""


def prepare(
    celery: Celery,
    settings: Settings,
    signals: RunningSignals,
    happened: Happened | None = None,
    tether: Tether | None = None,
) -> Troubles:
    """Make every worker that this Celery app starts one of ours. What kept one from starting is in the result.

    Without ``happened`` the worker counts for itself, and serves its metrics itself. ``tether``: to the parent that has
    started this process, if it is one of several."""
    counts = happened or make_happened()

    @contextlib.asynccontextmanager
    async def factory(name: str, address: str) -> AsyncIterator[Runtime]:
        page = serving(settings, counts) if happened is None else contextlib.nullcontext()
        async with open_worker(settings, signals) as parts:
            with page:
                yield Runtime(
                    store=parts.store,
                    catalog=parts.catalog,
                    runners=parts.runners,
                    signals=parts.signals,
                    clock=parts.clock,
                    name=name,
                    address=address,
                    queues=settings.queue_names,
                    capacity=settings.concurrency,
                    max_output_bytes=settings.max_output_bytes,
                    version=VERSION,
                    observer=counts,
                    tracer=parts.tracer,
                    on_drained=_stop_this_process,
                )

    setup_logging.connect(_logging_is_set_up, weak=False)
    # it warns of root because of pickle, which we refuse anyway
    warnings.filterwarnings("ignore", category=SecurityWarning, message="You're running the worker with superuser")
    celery.conf.worker_consumer = CalmConsumer
    if tether is not None:
        return install(celery, factory, patience=tether.patience, on_ready=tether.ready)
    return install(celery, factory, patience=lambda: settings.drain_timeout)


@functools.cache
def celery_app() -> Celery:
    """For ``celery -A tradefree.worker worker``: the settings come from the environment.

    Celery's options win where they fit: ``-Q`` names queues, ``-c`` is how many tasks are performed at once, and the
    name in ``-n`` is made one that no other worker has. Raises SystemExit: Celery would show a traceback of anything
    else.
    """
    with _ends_with_a_sentence():
        settings = load_settings()
        if settings.embedded:
            raise SettingsError(NEEDS_BROKER)
        configure_logging(settings)
        app = make_celery(settings)

    def adopt(instance: Any, options: Mapping[str, Any], **_: Any) -> None:
        with _ends_with_a_sentence():
            instance.hostname = node_name(*str(instance.hostname).split("@", 1))
            chosen = _chosen(options)
            prepare(app, chosen, make_signals(chosen))

    celeryd_init.connect(adopt, weak=False)
    return app


def _chosen(options: Mapping[str, Any]) -> Settings:
    """The settings, with Celery's options where they fit. Raises SettingsError."""
    if options.get("autoscale") or get_implementation(options.get("pool") or "solo") is not get_implementation("solo"):
        raise SettingsError(NO_OTHER_POOL)
    given: dict[str, object] = {}
    if queues := options.get("queues"):
        given["queues"] = queues if isinstance(queues, str) else ",".join(queues)
    if concurrency := options.get("concurrency"):
        given["concurrency"] = concurrency
    return load_settings(**given)


@contextlib.contextmanager
def _ends_with_a_sentence() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        raise SystemExit(f"Error: {error}") from error


def _logging_is_set_up(**_: Any) -> None:
    """A receiver of this signal, whatever it does, keeps Celery from configuring logging its own way."""


def _stop_this_process() -> None:
    """A worker that was drained ends as if somebody had told it to: Celery then stops in its usual order."""
    os.kill(os.getpid(), signal.SIGTERM)


def node_name(name: str = "tradefree", host: str = "") -> str:
    """A name no other worker has, so that its queue is its alone. Raises SettingsError if it is too long."""
    node = f"{name}-{os.getpid()}-{new_id()[-6:]}@{host or socket.gethostname()}"
    if len(node) > NAME_AT_MOST:
        raise SettingsError(f"the worker's name is too long: with the host's {len(node)} characters of {NAME_AT_MOST}")
    return node


def runs_in(name: str, pid: int) -> bool:
    """True if a node of this name runs in this process of this machine."""
    return name.startswith(f"tradefree-{pid}-") and name.endswith(f"@{socket.gethostname()}")


def options(hostname: str) -> dict[str, Any]:
    """How we start Celery's worker."""
    return {"hostname": hostname, "pool": "solo", "quiet": True}
