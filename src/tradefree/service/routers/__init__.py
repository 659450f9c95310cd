"""The routes, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from tradefree.service.routers import (
    all_logs,
    answers,
    api_keys,
    batches,
    connections,
    control,
    deliveries,
    events,
    happened,
    health,
    hook_doors,
    hooks,
    limits,
    live,
    logs,
    metrics,
    schedules,
    sessions,
    stats,
    submit,
    subscriptions,
    suggestions,
    system,
    task_types,
    tasks,
    trials,
    triggers,
    workers,
)

GUARDED: tuple[APIRouter, ...] = (
    submit.router,
    batches.router,
    suggestions.router,  # before the tasks, whose ids it would be
    tasks.router,
    logs.router,
    all_logs.router,
    control.router,
    answers.router,
    stats.router,
    live.router,
    task_types.router,
    connections.router,
    events.router,
    happened.router,
    triggers.router,
    trials.router,
    hooks.router,
    schedules.router,
    limits.router,
    limits.audit_router,
    subscriptions.router,
    deliveries.router,
    deliveries.secret_router,
    workers.router,
    system.router,
    api_keys.router,
    sessions.router,
)
"""Below /api/v1; every route of these needs a key or a session, but the one that begins a session."""

OPEN: tuple[APIRouter, ...] = (health.router, metrics.router, hook_doors.router)
"""At the root; none needs an API key."""
