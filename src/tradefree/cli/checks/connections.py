"""The connections, one check each, as seen from this machine."""

from __future__ import annotations

import asyncio

from tradefree.bootstrap import make_endpoints, make_store
from tradefree.cli.checks.check import Caution, Check, Fault, look
from tradefree.clock import SystemClock
from tradefree.settings import Settings
from tradefree.tasks.endpoints import Endpoints, Report, endpoints_of
from tradefree.tasks.types import Connection, TaskType


async def check_connections(settings: Settings) -> list[Check]:
    """All at once: each may take its time to be silent. The secrets must open, which another check has seen."""
    store = make_store(settings, SystemClock())
    try:
        connections = await store.connections(strict=True)
        _version, types = await store.task_types()
    finally:
        await store.close()
    known = make_endpoints()
    return list(
        await asyncio.gather(
            *(_check(endpoints_of(known, connections[name]), connections[name], types) for name in sorted(connections))
        )
    )


async def _check(endpoints: Endpoints, connection: Connection, types: dict[str, TaskType]) -> Check:
    users = [types[name] for name in sorted(types) if types[name].connection == connection.name]

    async def see() -> str:
        return sum_up(await endpoints.examine(connection, users))

    return await look(f"connection {connection.name}", see)


def sum_up(report: Report) -> str:
    """What is right in a sentence. Raises the first thing that is not as it should be."""
    for status, finding in (("failed", Fault), ("warning", Caution)):
        for item in report.checks:
            if item.status == status:
                raise finding(f"{item.check}: {item.detail}", item.advice)
    return "; ".join(item.detail for item in report.checks if item.check in ("address", "app"))
