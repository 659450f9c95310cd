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
    DEFINITIONS_READ = "definitions:read"
    """See task types, connections (never their secrets), limits, workers."""
    DEFINITIONS_WRITE = "definitions:write"
    """Change task types, connections, limits."""
    ADMIN = "admin"
    """Everything, API keys included."""
