"""A worker: Celery's own, with the runtime as one of its steps."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging

from tradefree.bootstrap import VERSION, RunningSignals, make_celery, make_signals, open_worker
from tradefree.errors import SettingsError
from tradefree.ids import new_id
from tradefree.logs import configure_logging
from tradefree.settings import Settings, load_settings
from tradefree.worker.bootstep import install
from tradefree.worker.runtime import Runtime


def prepare(celery: Celery, settings: Settings, signals: RunningSignals) -> None:
    """Make every worker that this Celery app starts one of ours."""

    @contextlib.asynccontextmanager
    async def factory(name: str, address: str) -> AsyncIterator[Runtime]:
        async with open_worker(settings, signals) as parts:
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
            )

    install(celery, factory, patience=settings.drain_timeout)
    setup_logging.connect(_logging_is_set_up, weak=False)


NEEDS_BROKER = (
    "TRADEFREE_BROKER_URL: memory:// works inside one process only; set a redis:// URL, or run `tradefree up`"
)


def celery_app() -> Celery:
    """For ``celery -A tradefree.worker worker``: the settings come from the environment.

    Celery's options win where they fit: ``-Q`` names queues, ``-c`` is how many tasks are performed at once, and the
    name in ``-n`` is made one that no other worker has. Raises SettingsError.
    """
    settings = load_settings()
    if settings.embedded:
        raise SettingsError(NEEDS_BROKER)
    configure_logging(settings)
    app = make_celery(settings)

    def adopt(instance: Any, options: Mapping[str, Any], **_: Any) -> None:
        instance.hostname = node_name(*str(instance.hostname).split("@", 1))
        given = {"queues": options.get("queues"), "concurrency": options.get("concurrency")}
        try:
            chosen = load_settings(**{name: value for name, value in given.items() if value})
        except SettingsError as error:  # Celery would log any other exception and go on without us
            raise SystemExit(f"tradefree worker: {error}") from error
        prepare(app, chosen, make_signals(chosen))

    celeryd_init.connect(adopt, weak=False)
    return app


def _logging_is_set_up(**_: Any) -> None:
    """A receiver of this signal, whatever it does, keeps Celery from configuring logging its own way."""


def node_name(name: str = "tradefree", host: str = "") -> str:
    """A name no other worker has, so that its queue is its alone."""
    return f"{name}-{os.getpid()}-{new_id()[-6:]}@{host or socket.gethostname()}"


def options(hostname: str) -> dict[str, Any]:
    """How we start Celery's worker: without the chatter between workers."""
    return {
        "hostname": hostname,
        "pool": "solo",
        "without_gossip": True,
        "without_heartbeat": True,
        "without_mingle": True,
        "quiet": True,
    }
