"""The database: is it there, of the right kind and shape, may we write, do the secrets open?"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.bootstrap import make_store
from tradefree.cli.checks.check import Caution, Fault
from tradefree.cli.words import plural, span
from tradefree.clock import SystemClock
from tradefree.database.engine import Database
from tradefree.database.migrate import head, newer, require_schema
from tradefree.database.mysql_errors import grant
from tradefree.database.protocol import require_protocol
from tradefree.database.server import read_server, require_server
from tradefree.database.shape import find_faults
from tradefree.database.tables import leaders
from tradefree.settings import Settings

SLOW = 0.05
"""Seconds for one round trip. Each task's way takes a few of them, and a start should take 15 ms."""
RIGHTS = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX"
"""All that the system uses."""


def database_file(settings: Settings) -> str:
    """The database in words, without its password. An SQLite file must be there: looking would create it."""
    url = settings.database
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise Fault(f"there is no database file {url.database}")
    return url.render_as_string(hide_password=True)


async def reachable(database: Database, name: str) -> str:
    """The database answers, and soon."""
    await database.read(lambda connection: connection.scalar(sa.text("SELECT 1")))  # connects
    began = time.monotonic()
    await database.read(lambda connection: connection.scalar(sa.text("SELECT 1")))
    took = time.monotonic() - began
    if took > SLOW:
        raise Caution(f"{name} answers, but in {span(took)}", "Run the system in the same data centre as its database.")
    return f"{name} answers in {took * 1000:.1f} ms"


async def kind(database: Database) -> str:
    """The server is one that the system can work on."""
    await require_server(database)
    if database.sqlite:
        return f"SQLite {sqlite3.sqlite_version}"
    server = await read_server(database)
    if server.on("wsrep_on"):
        raise Caution(
            f"{server}, a Galera cluster: row locks hold on one node only",
            "Let every process use the same node (one primary behind the proxy), or limits may be exceeded.",
        )
    return str(server)


async def schema(database: Database) -> str:
    """The schema is this version's, or lets it work, and so does the protocol."""
    await require_schema(database)
    await database.read(require_protocol)
    if later := await newer(database):
        raise Caution(
            f"is at {later}; this version needs {head()} and may work on it",
            "Finish the upgrade: start the new version.",
        )
    return f"is at {head()}, as this version needs"


async def tables(database: Database) -> str:
    """Engines, columns and collations are as the migrations made them."""
    faults = await find_faults(database)
    if faults:
        mending = list(dict.fromkeys(fault.mend for fault in faults))
        raise Fault("; ".join(str(fault) for fault in faults), f"Stop the system, back up, then: {' '.join(mending)}")
    return "are as the migrations made them"


async def writable(database: Database) -> str:
    """Statements that write are let through. They change no row."""

    async def unit(connection: AsyncConnection) -> None:
        nobody = leaders.c.name.is_(None)
        columns = [column.name for column in leaders.c]
        await connection.execute(sa.insert(leaders).from_select(columns, sa.select(leaders).where(nobody)))
        await connection.execute(sa.update(leaders).where(nobody).values(name="nobody"))
        await connection.execute(sa.delete(leaders).where(nobody))

    await database.write(unit)
    return "can be written"


def writable_advice(settings: Settings) -> str:
    """What to do if it cannot be written."""
    if settings.database.get_backend_name() == "sqlite":
        return "Check the file's owner and the disk."
    return f"Check that the server is no replica and not read_only; else: {grant(settings.database, RIGHTS)};"


async def secrets(settings: Settings) -> str:
    """The secret key opens what is stored."""
    store = make_store(settings, SystemClock())
    try:
        connections, hooks = await store.connections(strict=True), await store.hooks(strict=True)
        opened = [plural(len(connections), "stored connection"), *([plural(len(hooks), "hook")] if hooks else [])]
        return f"{' and '.join(opened)} can be opened"
    finally:
        await store.close()
