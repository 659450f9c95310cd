"""What a MariaDB or MySQL server says of itself: kind, version, settings; and which servers are refused."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.errors import SettingsError

MARIADB, MYSQL = "MariaDB", "MySQL"
OLDEST = {MARIADB: (10, 6), MYSQL: (8, 0)}
"""Older ones are not maintained any more."""
OLDEST_SQLITE = (3, 35)
"""The first with UPDATE … FROM and DROP COLUMN."""

READ = (
    "binlog_format",
    "innodb_buffer_pool_size",
    "innodb_flush_log_at_trx_commit",
    "log_bin",
    "max_allowed_packet",
    "max_connections",
    "sync_binlog",
    "wsrep_on",
)
"""The global settings that matter to us. A server lacks some of them."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as it was when it was asked."""

    kind: str
    version: tuple[int, int, int]
    variables: Mapping[str, str] = field(default_factory=dict)
    """Global settings by name, as SHOW VARIABLES prints them."""

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(str(part) for part in self.version)}"

    def number(self, name: str) -> int:
        """A numeric setting; 0 if the server has no such setting."""
        return int(self.variables.get(name, 0))

    def on(self, name: str) -> bool:
        """True if a switch is on."""
        return self.variables.get(name, "").upper() in ("ON", "1")


def server_of(said: str, variables: Mapping[str, str]) -> Server:
    """The server that answers ``SELECT VERSION()`` so: ``10.11.6-MariaDB-0+deb12u1``, ``8.4.3``, ``9.7.4-2`` …"""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", said)
    if found is None:
        raise SettingsError(f"TRADEFREE_DATABASE_URL: {said!r} is not the version of a MariaDB or MySQL server")
    major, minor, patch = (int(part or 0) for part in found.groups())
    return Server(MARIADB if "mariadb" in said.lower() else MYSQL, (major, minor, patch), variables)


async def read_server(database: Database) -> Server:
    """Ask the server. Needs no rights."""

    async def unit(connection: AsyncConnection) -> Server:
        said = str(await connection.scalar(sa.text("SELECT VERSION()")))
        names = ", ".join(f"'{name}'" for name in READ)
        # SHOW, because `SELECT @@name` fails for a setting that this server does not have
        rows = await connection.execute(sa.text(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"))
        return server_of(said, {str(name): str(value) for name, value in rows})

    return await database.read(unit)


def too_old(server: Server) -> str | None:
    """What is wrong with the version, in a sentence."""
    oldest = OLDEST[server.kind]
    if server.version >= oldest:
        return None
    needed = " or ".join(f"{kind} {major}.{minor}" for kind, (major, minor) in OLDEST.items())
    return f"the server is {server}; {needed} or newer is needed"


def refuses_our_writes(server: Server) -> str | None:
    """What is wrong with the binary log, in a sentence. READ COMMITTED, which our sessions have, needs rows in it."""
    if not server.on("log_bin") or server.variables.get("binlog_format", "ROW").upper() != "STATEMENT":
        return None
    return "the server writes its binary log as statements (binlog_format=STATEMENT) and would refuse every write"


async def require_server(database: Database) -> None:
    """Raise SettingsError, saying what to do, unless the system can work on this server."""
    if database.sqlite:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            needed = ".".join(str(part) for part in OLDEST_SQLITE)
            raise SettingsError(f"Python's SQLite is {sqlite3.sqlite_version}; {needed} or newer is needed")
        return
    server = await read_server(database)
    if problem := too_old(server):
        raise SettingsError(f"TRADEFREE_DATABASE_URL: {problem}")
    if problem := refuses_our_writes(server):
        raise SettingsError(f"TRADEFREE_DATABASE_URL: {problem}; set binlog_format=ROW on the server")
