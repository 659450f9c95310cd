"""Scopes: what an API key may do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One right. ``admin`` includes all others."""

    TASKS_READ = "tasks:read"
    """See tasks, attempts, logs, streams, statistics; payloads are left out."""
    TASKS_WRITE = "tasks:write"
    """Submit, cancel, retry."""
    PAYLOADS_READ = "payloads:read"
    """See input and output data, too."""
    EVENTS_READ = "events:read"
    """See events and what was decided about them; their data is left out. Try draft triggers on them."""
    EVENTS_WRITE = "events:write"
    """Raise events."""
    DEFINITIONS_READ = "definitions:read"
    """See task types, connections (never their secrets), limits, triggers, workers."""
    DEFINITIONS_WRITE = "definitions:write"
    """Change task types, connections, limits, triggers."""
    ADMIN = "admin"
    """Everything, API keys included."""
