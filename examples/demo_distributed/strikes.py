"""The strikes: SIGKILL to the leading service, to the busiest worker and to Redis, each in the middle of the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from demo_distributed.stage import PATIENCE, Stage, name_of
from demo_distributed.timeline import Strike, Timeline
from demo_distributed.watch import Snapshot, Watch
from tradefree.errors import TradefreeError
from tradefree.testing.processes import Child

SUPERVISOR = 1.0
"""Seconds until what died is started again, as systemd or an orchestrator would."""
REDIS_AWAY = 3.0
"""Seconds Redis stays away."""


class TooLate(TradefreeError):
    """The work ended before everything was struck."""


class Strikes:
    """Kills one after the other, and starts again what was killed."""

    def __init__(self, stage: Stage, watch: Watch, timeline: Timeline) -> None:
        self._stage = stage
        self._watch = watch
        self._timeline = timeline
        self._some = max(3, watch.total // 16)
        """Tasks that end between two strikes."""

    async def run(self) -> None:
        """All three; returns when everything is back. Raises TooLate."""
        async with asyncio.TaskGroup() as revivals:
            await self._until(lambda now: now.leader is not None and now.ended >= self._some)
            revivals.create_task(self._revive(await self._strike_leader(), SUPERVISOR))
            await self._until_more_ended()
            revivals.create_task(self._revive(await self._strike_worker(), SUPERVISOR))
            await self._until_more_ended()
            revivals.create_task(self._revive(await self._strike_redis(), REDIS_AWAY))

    async def _strike_leader(self) -> Child:
        leader = self._watch.latest.leader
        victim = next(service for service in self._stage.services if service.name == leader)
        self._kill(victim, "leader", "which leads")
        now = await self._until(lambda now: now.leader not in (None, leader))
        after = self._timeline.now - self._timeline.seconds(self._timeline.strikes[-1].at)
        self._timeline.note(f"{now.leader} has the lead, {after:.1f} s after")
        return victim

    async def _strike_worker(self) -> Child:
        await self._until(lambda now: max(now.running.values(), default=0) >= 2)
        running = self._watch.latest.running
        victim = max(self._stage.workers, key=lambda worker: running.get(worker.name, 0))
        self._kill(victim, "worker", "the busiest", incarnation=victim.incarnation)
        return victim

    async def _strike_redis(self) -> Child:
        self._kill(self._stage.redis, "redis", "with all it had")
        return self._stage.redis

    def _kill(self, victim: Child, kind: str, about: str, *, incarnation: str | None = None) -> None:
        name = name_of(victim)
        self._timeline.strikes.append(Strike(name, kind, datetime.now(UTC), about, incarnation))
        victim.kill()
        self._timeline.note(f"[bold red]SIGKILL[/] to {name}, {about}")

    async def _revive(self, victim: Child, pause: float) -> None:
        strike = self._timeline.last_strike(name_of(victim))
        assert strike is not None
        await asyncio.sleep(pause)
        victim.start(wait=False)
        await asyncio.to_thread(victim.wait_until_ready, PATIENCE)
        strike.back_after = (datetime.now(UTC) - strike.at).total_seconds()
        self._timeline.note(f"[green]{strike.victim} is back[/], {strike.back_after:.1f} s after its death")

    async def _until_more_ended(self) -> None:
        goal = self._watch.latest.ended + self._some
        await self._until(lambda now: now.ended >= goal)

    async def _until(self, wanted: Callable[[Snapshot], bool]) -> Snapshot:
        now = await self._watch.until(lambda now: wanted(now) or now.ended >= self._watch.total, "the next strike")
        if now.ended >= self._watch.total:
            raise TooLate("all tasks had ended before everything was struck; use more tasks")
        return now
