"""The worker: a Celery worker with one extra step, in which attempts run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery


def __getattr__(name: str) -> Celery:
    """``app``, made when ``celery -A tradefree.worker`` asks for it: nothing works at import."""
    if name == "app":
        from tradefree.worker.main import celery_app

        return celery_app()
    raise AttributeError(name)
