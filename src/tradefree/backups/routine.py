"""The routine around backups: make, remember, prove, remove. Commands and the schedule go through here."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from tradefree.access.secrets import SecretBox
from tradefree.backups.archive import ArchiveReader
from tradefree.backups.frames import Sink
from tradefree.backups.make import Made, make
from tradefree.backups.places import name_at, new_file
from tradefree.backups.verify import Proof, verify
from tradefree.clock import Clock
from tradefree.database.store import SqlStore
from tradefree.database.stores.backing import BackupRecord
from tradefree.errors import BackupDamaged, StorageUnavailable, TradefreeError
from tradefree.ids import new_id

PIPE = "-"
"""A file's name that stands for stdout."""


class Routine:
    """Backups of one database."""

    def __init__(self, store: SqlStore, clock: Clock, *, version: str, passphrase: str | None) -> None:
        self._store = store
        self._clock = clock
        self._version = version
        self._passphrase = passphrase

    def place(self, given: Path) -> Path:
        """The file to write: in a folder, one named by the time."""
        return (given / name_at(self._clock.now()) if given.is_dir() else given).absolute()

    async def to_file(self, file: Path) -> Made:
        """Make a backup in a new file."""
        async with self._remembered(str(file)) as remember:
            with new_file(file) as sink:
                made = await self._make(sink, scratch=file.parent)
            await remember(made)
            return made

    async def to_pipe(self, sink: Sink) -> Made:
        """Write a backup to somebody who takes it away."""
        async with self._remembered(PIPE) as remember:
            made = await self._make(sink)
            await remember(made)
            return made

    async def _make(self, sink: Sink, scratch: Path | None = None) -> Made:
        database = self._store.database
        return await make(database, sink, version=self._version, passphrase=self._passphrase, scratch=scratch)

    @asynccontextmanager
    async def _remembered(self, file: str) -> AsyncIterator[Callable[[Made], Awaitable[None]]]:
        """Write down what was made, or why it was not."""
        record = BackupRecord(new_id(), self._clock.now(), file, socket.gethostname())

        async def remember(made: Made) -> None:
            await self._store.record_backup(
                replace(
                    record,
                    id=made.id,
                    made_at=made.made_at,
                    size=made.size,
                    row_count=made.rows,
                    encrypted=made.encrypted,
                    took=made.took,
                )
            )

        try:
            yield remember
        except (TradefreeError, OSError) as error:
            with contextlib.suppress(StorageUnavailable):
                await self._store.record_backup(replace(record, error=_sentence(error)))
            raise


def _sentence(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(error) or type(error).__name__


async def prove(
    reader: ArchiveReader,
    clock: Clock,
    *,
    file: str,
    store: SqlStore | None,
    box: SecretBox | None,
    server: sa.URL | None = None,
    folder: Path | None = None,
) -> Proof:
    """Restore a backup for a test, and write down in the ``store`` how that went. It may be away: then nobody learns of
    it but the caller."""
    made_at = datetime.fromisoformat(reader.facts["made_at"])
    record = BackupRecord(str(reader.facts["id"]), made_at, file, socket.gethostname(), encrypted=reader.encrypted)
    try:
        proof = await verify(reader, clock, box, server=server, folder=folder)
    except BackupDamaged as error:
        await _write_down(store, replace(record, proved_at=clock.now(), proof_error=str(error)))
        raise
    proved = replace(record, row_count=proof.rows, proved_at=clock.now(), proved_on=proof.on)
    await _write_down(store, proved)
    return proof


async def _write_down(store: SqlStore | None, record: BackupRecord) -> None:
    if store is not None:
        with contextlib.suppress(StorageUnavailable):
            await store.record_proof(record)
