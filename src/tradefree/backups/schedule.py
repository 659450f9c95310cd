"""The schedule: the service that leads makes a backup every so often, in a process of its own, which goes last.

Reading and packing a large database in the service's own loop would make every request wait for it. The process is the
command ``tradefree backup create``, so cron can do the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from tradefree.clock import Clock
from tradefree.database.stores.backing import BackupStanding
from tradefree.errors import StorageUnavailable

LOOK_EVERY = 60.0
"""Seconds between looks whether a backup is due."""
LEADS_EVERY = 1.0
"""Seconds between looks whether this service leads now. They ask nobody."""
AGAIN = timedelta(hours=1)
"""After a failure it is tried again so soon at the latest."""
NICE = 10
STOP_WITHIN = 5.0
"""Seconds that a backup under way has to clean up when the service stops."""

log = structlog.get_logger(__name__)


class StandingStore(Protocol):
    async def backup_standing(self) -> BackupStanding: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, and how often."""

    folder: Path
    every: timedelta
    keep: int
    verify: bool

    def due_at(self, standing: BackupStanding) -> datetime | None:
        """When the next one is to be made; None: at once."""
        if standing.tried is None:
            return None
        return standing.tried.made_at + (min(self.every, AGAIN) if standing.tried.error else self.every)

    def command(self) -> list[str]:
        """The process that makes it."""
        words = ["backup", "create", str(self.folder), "--keep", str(self.keep), "--nice", str(NICE)]
        return [sys.executable, "-m", "tradefree.cli.main", *words, *(["--verify"] if self.verify else [])]


class Schedule:
    """Makes backups while this service leads."""

    def __init__(self, store: StandingStore, clock: Clock, leads: Callable[[], bool], plan: Plan | None) -> None:
        """``plan``: None if there is nothing to be made."""
        self._store = store
        self._clock = clock
        self._leads = leads
        self._plan = plan

    async def run(self) -> None:
        """Make what is due, until cancelled."""
        while self._plan is not None:
            if leads := self._leads():
                await self.look(self._plan)
            await asyncio.sleep(LOOK_EVERY if leads else LEADS_EVERY)

    async def look(self, plan: Plan) -> bool | None:
        """Make a backup if one is due; whether it was made, None if none was due."""
        try:
            due_at = plan.due_at(await self._store.backup_standing())
        except StorageUnavailable as error:
            log.warning("database unavailable; no backup is made", error=str(error))
            return None
        if due_at is not None and self._clock.now() < due_at:
            return None
        try:
            return await self._make(plan)
        except OSError as error:
            log.exception("the backup could not be started", error=str(error))
            return False

    async def _make(self, plan: Plan) -> bool:
        process = await asyncio.create_subprocess_exec(
            *plan.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            told, complaint = await process.communicate()
        except asyncio.CancelledError:
            await _stop(process)
            raise
        if process.returncode:
            error = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            log.error("backup failed", error=error, exit_code=process.returncode)
            return False
        facts = dict(line.split("\t", 1) for line in told.decode(errors="replace").splitlines() if "\t" in line)
        log.info("backup made", **{name.replace(" ", "_"): value for name, value in facts.items()})
        return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
