"""The Celery application. Its messages carry ids and nothing else; delays, retries and limits live in the database."""

from __future__ import annotations

import socket
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from tradefree.settings import Settings

RING = "tradefree.ring"
"""The one job: these task ids are yours."""
POLLING_INTERVAL = 0.01
"""Seconds between looks into the in-memory broker. With kombu's 1 s a start took 357 ms, with this 5 ms (measured)."""
SILENCE = 5
"""Seconds after which a Redis that says nothing is asked for a sign of life, and given up if it gives none."""


def make_celery(settings: Settings) -> Celery:
    """A Celery app for this broker. No result backend, no retries of publishing: the row is the truth."""
    app = Celery("tradefree", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: meanwhile the beats find the work
        broker_pool_limit=2,
        broker_transport_options=_transport(settings),
        task_default_queue="tradefree.idle",
        task_ignore_result=True,
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_pool="solo",
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )
    return app


def address_of(node: str) -> str:
    """The name of the queue that only this Celery node reads."""
    return f"worker.{node}"


def own_queue(address: str) -> Queue:
    """A worker's own queue.

    Unlike Celery's ``worker_direct`` it needs no exchange and no binding, so nothing of a worker outlives it in the
    broker but rings nobody answered, and a wiped broker can be rung again at once.
    """
    return Queue(address, exchange=Exchange(""), routing_key=address)


def _transport(settings: Settings) -> dict[str, Any]:
    if settings.embedded:
        return {"polling_interval": POLLING_INTERVAL}
    options: dict[str, Any] = {
        "ack_emulation": False,  # a ring that got lost costs one beat: nothing to keep, nothing to restore
        "global_keyprefix": settings.broker_prefix,
        "health_check_interval": SILENCE,
        "priority_steps": [0],  # priorities live in the database
        "socket_connect_timeout": SILENCE,
        "socket_keepalive": True,
        "socket_keepalive_options": {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 2},
        "socket_timeout": SILENCE,
    }
    if settings.broker_url.startswith("sentinel://"):
        options["master_name"] = settings.broker_master
    return options
