"""What ``backup`` and ``restore`` do, once a command is given."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import io
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from tradefree.access.secrets import SecretBox
from tradefree.backups.archive import ArchiveReader
from tradefree.backups.make import Made
from tradefree.backups.places import remove_old
from tradefree.backups.restore import Restored, restore
from tradefree.backups.routine import PIPE as PIPE
from tradefree.backups.routine import Routine, prove
from tradefree.backups.verify import Proof
from tradefree.bootstrap import VERSION, make_store, secret_keys
from tradefree.clock import SystemClock
from tradefree.database.store import SqlStore
from tradefree.errors import InvalidInput, TradefreeError
from tradefree.settings import Settings, load_settings

T = TypeVar("T")


def run(work: Callable[[Settings], Awaitable[T]]) -> T:
    """Do something in an event loop, with the settings."""
    settings = load_settings()

    async def main() -> T:
        return await work(settings)

    return asyncio.run(main())


async def to_stdout(store: SqlStore) -> Made:
    """A backup for whoever reads stdout."""
    settings = load_settings()
    with open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as sink:
        return await _routine(store, settings).to_pipe(sink)


async def to_file(
    store: SqlStore, file: str | None, then_verify: bool, keep: int | None
) -> tuple[Path, Made, Proof | None, list[Path]]:
    """A backup in a file; proved, if that is wanted, before older ones are removed."""
    settings = load_settings()
    routine = _routine(store, settings)
    path = routine.place(Path(file) if file is not None else settings.backup_folder or Path())
    made = await routine.to_file(path)
    proof = await _prove(settings, path.open("rb"), str(path), store) if then_verify else None
    removed = remove_old(path.parent, keep) if keep is not None else []
    return path, made, proof, removed


async def prove_file(settings: Settings, file: str, *, on_server: bool) -> Proof:
    """Restore a backup for a test. The configured database need not be there."""
    url = settings.database
    if on_server and url.get_backend_name() == "sqlite":
        raise InvalidInput("TRADEFREE_DATABASE_URL names a file, no server", field="--on-server")
    gone = url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file()
    store = None if gone else make_store(settings, SystemClock())
    try:
        with _opened(file) as source:
            return await _prove(settings, source, file, store, on_server=on_server)
    finally:
        if store is not None:
            await store.close()


async def restore_file(settings: Settings, file: str) -> Restored:
    """Restore a backup into the configured database."""
    with _opened(file) as source, _named(file):
        return await restore(_reader(settings, source), settings.database, SystemClock())


async def _prove(
    settings: Settings, source: BinaryIO, file: str, store: SqlStore | None, *, on_server: bool = False
) -> Proof:
    with source, _named(file):
        return await prove(
            _reader(settings, source),
            SystemClock(),
            file=file if file == PIPE else str(Path(file).absolute()),
            store=store,
            box=SecretBox(secret_keys(settings)) if store is not None else None,
            server=settings.database if on_server else None,
        )


def _routine(store: SqlStore, settings: Settings) -> Routine:
    passphrase = settings.backup_passphrase
    return Routine(
        store, SystemClock(), version=VERSION, passphrase=passphrase.get_secret_value() if passphrase else None
    )


def _reader(settings: Settings, source: BinaryIO) -> ArchiveReader:
    """The backup, with its passphrase from the settings or, on a terminal, from a person."""
    reader = ArchiveReader(source)
    if reader.encrypted:
        if settings.backup_passphrase is not None:
            reader.passphrase = settings.backup_passphrase.get_secret_value()
        elif sys.stdin.isatty():
            reader.passphrase = getpass.getpass("Passphrase of the backup: ")
    return reader


def _opened(file: str) -> BinaryIO:
    if file != PIPE:
        return Path(file).open("rb")
    if sys.stdin.isatty():
        raise InvalidInput("a backup does not come from a terminal: name a file, or send one to stdin", field="FILE")
    return io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False))


@contextlib.contextmanager
def _named(file: str) -> Iterator[None]:
    """Say which file is meant."""
    try:
        yield
    except (TradefreeError, OSError) as error:
        error.add_note(file)
        raise
