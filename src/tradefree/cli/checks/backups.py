"""Backups: are they made, and could one be restored?"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.cli.checks.check import Caution
from tradefree.cli.words import ago
from tradefree.database.engine import Database
from tradefree.database.stores.backing import BackingStore, BackupStanding
from tradefree.database.tables import tasks
from tradefree.settings import Settings

YOUNG = timedelta(days=1)
"""A system whose oldest task is younger than this needs no backup yet."""
OLD = timedelta(days=8)
"""Without a schedule of ours, a backup older than this is too old: there is perhaps one a week."""
UNPROVED = timedelta(days=35)
"""A proof older than this is too old: there is perhaps one a month."""
ADVICE = "`tradefree backup create --verify`, and see docs/backups.md for doing it by schedule."


async def backups(database: Database, settings: Settings) -> str:
    """The latest backup is young enough, and one was restored for a test not long ago."""
    standing = await BackingStore(database).backup_standing()
    now = database.clock.now()
    if standing.tried is None:
        if await _oldest_task(database) > now - YOUNG:
            return "none yet, and nothing that is older than a day"
        raise Caution("no backup was ever made of this database", ADVICE)
    return judge(standing, now, settings)


def judge(standing: BackupStanding, now: datetime, settings: Settings) -> str:
    """What is to be said of them; raises Caution."""
    if standing.tried is not None and standing.tried.error is not None:
        raise Caution(f"the latest failed {ago(standing.tried.made_at, now)}: {standing.tried.error}", ADVICE)
    assert standing.made is not None
    made = f"the latest was made {ago(standing.made.made_at, now)}"
    if now - standing.made.made_at > (_every(settings) * 2 or OLD):
        raise Caution(f"{made}, which is too old", ADVICE)
    proved, refuted = standing.proved, standing.refuted
    if refuted is not None and refuted.proved_at is not None and (proved is None or _later(refuted.proved_at, proved)):
        raise Caution(
            f"{refuted.file} could not be restored {ago(refuted.proved_at, now)}: {refuted.proof_error}", ADVICE
        )
    if proved is None or proved.proved_at is None:
        raise Caution(f"{made}; none was ever restored for a test", "`tradefree backup verify FILE`.")
    said = f"{made}; {proved.file} was restored for a test {ago(proved.proved_at, now)}"
    if now - proved.proved_at > UNPROVED:
        raise Caution(f"{said}, which is long ago", "`tradefree backup verify FILE`.")
    return said


def _later(at: datetime, proved: object) -> bool:
    other = getattr(proved, "proved_at", None)
    return other is None or at > other


def _every(settings: Settings) -> timedelta:
    return timedelta(hours=settings.backup_every_hours)


async def _oldest_task(database: Database) -> datetime:
    async def unit(connection: AsyncConnection) -> datetime:
        oldest: datetime | None = await connection.scalar(sa.select(tasks.c.created_at).order_by(tasks.c.id).limit(1))
        return oldest or database.clock.now()

    return await database.read(unit)
