"""A worker: Celery's own, with the runtime as one of its steps."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

from celery import Celery
from celery.utils.nodenames import worker_direct

from tradefree.bootstrap import VERSION, open_worker
from tradefree.ids import new_id
from tradefree.settings import Settings
from tradefree.tasks.ports import Signals
from tradefree.worker.bootstep import install
from tradefree.worker.runtime import Runtime


def prepare(celery: Celery, settings: Settings, signals: Signals) -> None:
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


def node_name() -> str:
    """A name no other worker has, so that its queue is its alone."""
    return f"tradefree-{os.getpid()}-{new_id()[-6:]}@{socket.gethostname()}"


def options(hostname: str) -> dict[str, Any]:
    """How we start Celery's worker: one queue, none of the chatter between workers."""
    return {
        "hostname": hostname,
        "queues": [worker_direct(hostname).name],
        "pool": "solo",
        "without_gossip": True,
        "without_heartbeat": True,
        "without_mingle": True,
        "quiet": True,
    }
