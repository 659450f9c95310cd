"""The Celery application. Its messages carry ids and nothing else; delays, retries and limits live in the database."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from tradefree.broker.address import broker_address
from tradefree.broker.redis_client import KEEPALIVE, sentinel_options
from tradefree.errors import SettingsError
from tradefree.settings import Settings

RING = "tradefree.ring"
"""The one job: these task ids are yours."""
POLLING_INTERVAL = 0.01
"""Seconds between looks into the in-memory broker. With kombu's 1 s a start took 357 ms, with this 5 ms (measured)."""
SILENCE = 5
"""Seconds after which a Redis that says nothing is asked for a sign of life, and given up if it gives none."""
RING_LASTS = 3600
"""Seconds after its last ring that a queue is kept in Redis: nobody reads those of workers that are gone."""
OTHER_URL = "CELERY_BROKER_URL (or `celery -b`) is set, but the broker is TRADEFREE_BROKER_URL: unset it"


def make_celery(settings: Settings) -> Celery:
    """A Celery app for this broker. No result backend, no retries of publishing: the row is the truth.

    Raises SettingsError.
    """
    url, transport, tls = _broker(settings)
    app = Celery("tradefree", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_channel_error_retry=True,  # a Redis that was made a replica refuses to be read: wait, too
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: meanwhile the beats find the work
        broker_pool_limit=2,
        broker_transport_options=transport,
        broker_use_ssl=tls,
        task_default_queue="tradefree.idle",
        task_ignore_result=True,
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_pool="solo",
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,  # the other way is deprecated; no job of ours is long
        worker_send_task_events=False,
    )
    if {app.conf.broker_url, app.conf.broker_read_url, app.conf.broker_write_url} != {url}:  # Celery reads its own
        raise SettingsError(OTHER_URL)
    return app


def address_of(node: str) -> str:
    """The name of the queue that only this Celery node reads."""
    return f"worker.{node}"


def own_queue(address: str, *, lasts: int | None = None) -> Queue:
    """A worker's own queue; ``lasts``: seconds it is kept after a message.

    Unlike Celery's ``worker_direct`` it needs no exchange and no binding, so nothing of a worker outlives it in the
    broker but rings nobody answered, and a wiped broker can be rung again at once.
    """
    return Queue(address, exchange=Exchange(""), routing_key=address, expires=lasts)


def _broker(settings: Settings) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """URL, transport options and TLS options, as kombu wants them."""
    if settings.embedded:
        return settings.broker_url, {"polling_interval": POLLING_INTERVAL}, None
    address = broker_address(settings)
    options: dict[str, Any] = {
        "ack_emulation": False,  # a ring that got lost costs one beat: nothing to keep, nothing to restore
        "global_keyprefix": settings.broker_prefix,
        "health_check_interval": SILENCE,
        "max_retries": 0,  # of connecting, when publishing
        "priority_steps": [0],  # priorities live in the database
        "socket_connect_timeout": SILENCE,
        "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE,
        "socket_timeout": SILENCE,
    }
    if address.by_sentinel:
        patience = {name: value for name, value in options.items() if name.startswith("socket_")}
        options["master_name"] = settings.broker_master
        options["sentinel_kwargs"] = {**patience, **sentinel_options(settings, address)}
    return address.kombu_url, options, dict(address.tls) if address.tls else None
