"""The routes, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from tradefree.service.routers import (
    api_keys,
    batches,
    connections,
    control,
    health,
    logs,
    stats,
    submit,
    task_types,
    tasks,
    workers,
)

GUARDED: tuple[APIRouter, ...] = (
    submit.router,
    batches.router,
    tasks.router,
    logs.router,
    control.router,
    stats.router,
    task_types.router,
    connections.router,
    workers.router,
    api_keys.router,
)
"""Below /api/v1; every route of these needs a key."""

OPEN: tuple[APIRouter, ...] = (health.router,)
"""At the root, for everybody."""
