"""Make a backup: everything the database holds in one moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tradefree.backups.archive import ArchiveWriter, Manifest
from tradefree.backups.frames import Sink
from tradefree.backups.layout import layouts
from tradefree.backups.snapshot import snapshot
from tradefree.database.engine import Database
from tradefree.database.migrate import head, newer, require_current
from tradefree.errors import SettingsError
from tradefree.ids import new_id


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written to its end."""

    id: str
    made_at: datetime
    """The moment whose rows it holds, or just before."""
    schema: str
    encrypted: bool
    size: int
    """Bytes of the file."""
    took: float
    """Seconds."""
    manifest: Manifest

    @property
    def rows(self) -> int:
        return sum(table["rows"] for table in self.manifest.values())


async def make(
    database: Database, sink: Sink, *, version: str, passphrase: str | None = None, scratch: Path | None = None
) -> Made:
    """Write a backup of the database to ``sink``. SettingsError unless the schema is this version's."""
    await require_current(database)
    if later := await newer(database):
        raise SettingsError(
            f"the database's schema {later} is newer than this version of tradefree, which would not see all of it: "
            "back up with the later version"
        )
    began, made_at = time.monotonic(), database.clock.now()
    facts: dict[str, Any] = {"id": new_id(), "made_at": made_at, "schema": head(), "version": version}
    counting = _Counting(sink)
    async with snapshot(database, scratch) as taken:
        archive = ArchiveWriter(counting, facts, passphrase)
        for layout in layouts():
            archive.table(layout)
            async for lines in taken.lines(layout):
                archive.rows(layout, lines)
    manifest = archive.finish()
    return Made(
        id=facts["id"],
        made_at=made_at,
        schema=facts["schema"],
        encrypted=passphrase is not None,
        size=counting.size,
        took=time.monotonic() - began,
        manifest=manifest,
    )


class _Counting:
    """Counts what is written."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.size = 0

    def write(self, content: memoryview) -> int:
        number = self._sink.write(content) or 0
        self.size += number
        return number

    def flush(self) -> None:
        self._sink.flush()
