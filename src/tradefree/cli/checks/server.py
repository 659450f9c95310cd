"""The settings of a MariaDB or MySQL server, judged. Pure, except for what is read at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.batching import MAX_BYTES
from tradefree.cli.checks.check import Caution, Fault, Unseen
from tradefree.cli.words import plural, size
from tradefree.database.engine import Database
from tradefree.database.mysql import MOST_CONNECTIONS
from tradefree.database.mysql_errors import grant
from tradefree.database.server import MYSQL, Server, refuses_our_writes
from tradefree.database.tables import metadata
from tradefree.errors import StorageRefused
from tradefree.settings import Settings

DURABLE = (1, 3)
"""Values of innodb_flush_log_at_trx_commit that write to the disk at each commit (3: MariaDB, in the old order)."""
INPUT_GROWS, RESULT_GROWS = 2, 4
"""How much longer text becomes in a statement at worst, when it is all quotes: an input is escaped for SQL, a result
for JSON before that."""
DRIVER_BATCH = 1_024_000
"""Bytes of other rows that the driver puts in front of a large one."""
MOST_PACKET = 1 << 30
"""The largest max_allowed_packet there is."""
CROWDED = 0.9
"""Share of the server's connections that were in use at once, from which on it is too close to call."""
OPEN_FOR = 60
"""Seconds from which on a transaction is somebody's mistake: those of the system take ten at most."""


def durability(server: Server) -> str:
    """A commit is on the disk when it has been answered."""
    value = server.number("innodb_flush_log_at_trx_commit")
    if value not in DURABLE:
        raise Caution(
            f"innodb_flush_log_at_trx_commit={value}: an accepted task may be lost at a power cut",
            "SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in the server's configuration file.",
        )
    return f"every commit is written to the disk (innodb_flush_log_at_trx_commit={value})"


def binary_log(server: Server) -> str:
    """It can take our writes, and loses none of them."""
    if not server.on("log_bin"):
        return "is off"
    if problem := refuses_our_writes(server):
        raise Fault(problem, "SET GLOBAL binlog_format = 'ROW', and in the server's configuration file.")
    value = server.number("sync_binlog")
    if value != 1:
        raise Caution(
            f"sync_binlog={value}: a power cut may undo commits that were answered",
            "SET GLOBAL sync_binlog = 1, and in the server's configuration file.",
        )
    return f"is on, with {server.variables.get('binlog_format', 'ROW')} format, and is written to the disk"


def packet_size(server: Server, settings: Settings) -> str:
    """What the settings allow fits into one statement."""
    found = server.number("max_allowed_packet")
    body, result = settings.max_body_bytes, settings.max_output_bytes
    surely = max(body, result)
    at_worst = max(INPUT_GROWS * body, RESULT_GROWS * max(result, MAX_BYTES)) + DRIVER_BATCH
    enough = min(MOST_PACKET, 1 << (at_worst - 1).bit_length())
    advice = (
        f"SET GLOBAL max_allowed_packet = {enough}, and in the server's configuration file, and start services and "
        "workers again; or lower TRADEFREE_MAX_BODY_BYTES and TRADEFREE_MAX_OUTPUT_BYTES."
    )
    if found < surely:
        raise Fault(f"max_allowed_packet is {size(found)}, but requests or results may have {size(surely)}", advice)
    if found < min(at_worst, MOST_PACKET):
        needed = f"{size(at_worst)} are needed at worst, for text full of quotes"
        raise Caution(f"max_allowed_packet is {size(found)}; {needed}", advice)
    return f"max_allowed_packet is {size(found)}, {size(at_worst)} are needed at worst"


def connections(server: Server, workers: int, peak: int) -> str:
    """Every process can open all its connections. ``workers`` are live; a service at least is assumed."""
    most = server.number("max_connections")
    needed = (workers + 1) * MOST_CONNECTIONS
    enough = max(needed, peak) + 4 * MOST_CONNECTIONS
    advice = f"SET GLOBAL max_connections = {enough}, and in the server's configuration file, or run fewer processes."
    if needed > most:
        raise Caution(
            f"{plural(workers, 'live worker')} and a service may open {needed} connections, the server takes {most}",
            advice,
        )
    if peak > CROWDED * most:
        raise Caution(f"{peak} of {most} connections have been in use at once", advice)
    return f"{most}: enough for {most // MOST_CONNECTIONS} processes; {peak} have been in use at once"


def buffer_pool(server: Server, volume: int) -> str:
    """Memory for what is worked on. ``volume``: bytes of our tables and their indexes."""
    pool = server.number("innodb_buffer_pool_size")
    if volume > pool:
        raise Caution(
            f"{size(pool)} of memory for {size(volume)} of data and indexes",
            f"Set innodb_buffer_pool_size to {size(1 << (volume - 1).bit_length())}, or to three quarters of the "
            "machine's memory if that is less.",
        )
    return f"{size(pool)} of memory for {size(volume)} of data and indexes"


def session(variables: Mapping[str, str]) -> str:
    """What our sessions are set to holds."""
    level = variables.get("transaction_isolation", variables.get("tx_isolation", ""))
    zone = variables.get("time_zone", "")
    if level.upper() != "READ-COMMITTED" or zone != "+00:00":
        raise Fault(
            f"a session of ours is {level} and in time zone {zone}, though it was set to READ-COMMITTED and +00:00",
            "If there is a proxy in front of the server, let it keep sessions apart (ProxySQL: no multiplexing).",
        )
    return f"{level}, time zone {zone}"


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read_volume(database: Database, server: Server) -> int:
    """Bytes of our tables and indexes, as the server estimates them."""
    names = ("table_schema", "table_name", "data_length", "index_length")
    view = sa.table("tables", *map(sa.column, names), schema="information_schema")
    ours = (view.c.table_schema == sa.func.database(), view.c.table_name.in_(list(metadata.tables)))

    async def unit(connection: AsyncConnection) -> int:
        if server.kind == MYSQL:  # else what it says may be a day old
            await connection.execute(sa.text("SET SESSION information_schema_stats_expiry = 0"))
        volume = await connection.scalar(sa.select(sa.func.sum(view.c.data_length + view.c.index_length)).where(*ours))
        return int(volume or 0)

    return await database.read(unit)


async def read_peak(database: Database) -> int:
    """Connections that have been in use at once since the server started."""
    query = sa.text("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
    row = await database.read(lambda connection: _first(connection, query))
    return int(row[1]) if row is not None else 0


async def read_session(database: Database) -> dict[str, str]:
    """What a session that writes is set to."""
    names = "'transaction_isolation', 'tx_isolation', 'time_zone'"

    async def unit(connection: AsyncConnection) -> dict[str, str]:
        rows = await connection.execute(sa.text(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})"))
        return {str(name): str(value) for name, value in rows}

    return await database.write(unit)


async def transactions(database: Database) -> str:
    """Nobody keeps a transaction open, with its locks and all old versions of rows."""
    started = "CONVERT_TZ(trx_started, 'SYSTEM', '+00:00')"  # it is in the server's own time zone
    age = f"TIMESTAMPDIFF(SECOND, {started}, UTC_TIMESTAMP())"
    query = f"SELECT trx_mysql_thread_id, {age} FROM information_schema.innodb_trx ORDER BY trx_started LIMIT 1"  # noqa: S608
    try:
        oldest = await database.read(lambda connection: _first(connection, sa.text(query)))
    except StorageRefused:
        account = await database.read(lambda connection: connection.scalar(sa.text("SELECT CURRENT_USER()")))
        right = grant(database.url, "PROCESS", "*.*", account=str(account))
        raise Unseen("open transactions may not be listed by this user", f"To have them checked: {right};") from None
    if oldest is None or oldest[1] < OPEN_FOR:
        return "none is open for long"
    raise Caution(
        f"connection {oldest[0]} has had a transaction open for {oldest[1]} s; it may hold locks",
        f"SHOW PROCESSLIST says whose it is; KILL {oldest[0]} ends it.",
    )


async def _first(connection: AsyncConnection, query: sa.TextClause) -> tuple[Any, ...] | None:
    row = (await connection.execute(query)).first()
    return None if row is None else tuple(row)
