"""Looking at the system from outside, as an operator would: over HTTP, at whichever service answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from demo import ENDED
from demo_distributed.stage import Stage
from tradefree.errors import TradefreeError
from tradefree.testing.cluster import Service

EVERY = 0.2
"""Seconds between looks."""
PATIENCE = 180.0
"""Seconds for everything; it takes about forty."""


@dataclass(frozen=True)
class Snapshot:
    """What the services said last."""

    by_status: Mapping[str, int] = field(default_factory=dict)
    leader: str | None = None
    """Name of the service that leads."""
    running: Mapping[str, int] = field(default_factory=dict)
    """Worker → tasks that it has."""

    @property
    def ended(self) -> int:
        return sum(self.by_status.get(status, 0) for status in ENDED)


class Watch:
    """Takes snapshots. ``until`` waits for one that satisfies a condition."""

    def __init__(self, http: aiohttp.ClientSession, stage: Stage, total: int) -> None:
        self.latest = Snapshot()
        self.total = total
        self._http = http
        self._stage = stage
        self._looked = asyncio.Condition()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.latest = await self._look()
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(EVERY)

    async def until(self, condition: Callable[[Snapshot], bool], what: str) -> Snapshot:
        """The first snapshot, this one or a later one, that satisfies it; TradefreeError when patience runs out."""
        try:
            async with asyncio.timeout(PATIENCE), self._looked:
                await self._looked.wait_for(lambda: condition(self.latest))
                return self.latest
        except TimeoutError:
            raise TradefreeError(f"waited {PATIENCE:g} s for {what}; {dict(self.latest.by_status)}") from None

    async def _look(self) -> Snapshot:
        services = [service for service in self._stage.services if service.lives]
        answers = await asyncio.gather(*(self._get(service, "stats") for service in services))
        stats = {service.name: answer for service, answer in zip(services, answers, strict=True) if answer}
        if not stats:
            return Snapshot(self.latest.by_status, None, self.latest.running)
        leader = next((name for name, answer in stats.items() if answer["leads"]), None)
        answering = next(service for service in services if service.name in stats)
        workers = await self._get(answering, "workers")
        running = self._running(workers["items"]) if workers else self.latest.running
        return Snapshot(next(iter(stats.values()))["by_status"], leader, running)

    def _running(self, workers: list[dict[str, Any]]) -> dict[str, int]:
        tasks = {worker["id"]: worker["in_flight"] for worker in workers}
        return {worker.name: tasks.get(worker.incarnation, 0) for worker in self._stage.workers}

    async def _get(self, service: Service, what: str) -> dict[str, Any] | None:
        limit = aiohttp.ClientTimeout(1.0)
        try:
            async with self._http.get(f"{service.url}/api/v1/{what}", timeout=limit) as answer:
                return dict(await answer.json()) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None
