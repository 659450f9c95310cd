"""The order in which ``doctor`` looks; what cannot be looked at because of an earlier fault is skipped."""

from __future__ import annotations

from tradefree.cli.checks import backups, clocks, database, running, server
from tradefree.cli.checks.broker import check_broker
from tradefree.cli.checks.check import Check, look, skipped
from tradefree.cli.checks.connections import check_connections
from tradefree.cli.checks.service import check_console, check_service
from tradefree.cli.session import address
from tradefree.clock import Clock, SystemClock
from tradefree.database.engine import Database
from tradefree.database.server import read_server
from tradefree.errors import TradefreeError
from tradefree.settings import Settings, load_settings

ON_TABLES = ("tables", "writable", "secrets", "queues", "workers", "leader", "backups")
"""Checks that need the schema."""


async def examine(url: str | None, api_key: str | None, clock: Clock | None = None) -> list[Check]:
    """Look at everything."""
    try:
        settings = load_settings()
    except TradefreeError as error:
        return [Check("settings", "failed", str(error), "Mend the setting in the environment or in .env.")]
    checks = [Check("settings", "ok", "can be read"), *check_console(settings)]
    checks += await check_database(settings, clock or SystemClock())
    if any(check.name == "secrets" and check.status == "ok" for check in checks):
        checks += await check_connections(settings)
    checks += await check_broker(settings)
    checks += await check_service(*address(url, api_key))
    return checks


async def check_database(settings: Settings, clock: Clock) -> list[Check]:
    """Everything that the database knows."""
    advice = "Check TRADEFREE_DATABASE_URL."
    try:
        name = database.database_file(settings)
        opened = Database(settings.database, clock)
    except (TradefreeError, OSError) as error:
        first = Check("database", "failed", str(error), f"{advice[:-1]}; then run `tradefree migrate`.")
        return [first, *skipped(("server", "schema", *ON_TABLES), "database")]
    try:
        first = await look("database", lambda: database.reachable(opened, name), advice)
        if first.status == "failed":
            return [first, *skipped(("server", "schema", *ON_TABLES), "database")]
        return [first, *await _reachable(opened, settings, clock)]
    finally:
        await opened.close()


async def _reachable(opened: Database, settings: Settings, clock: Clock) -> list[Check]:
    checks = [
        await look("server", lambda: database.kind(opened), "Use a server that is new enough, set as it asks for."),
        await look("schema", lambda: database.schema(opened), "Run `tradefree migrate`."),
    ]
    schema_is_right = checks[-1].status in ("ok", "warning")
    checks += await _on_tables(opened, settings) if schema_is_right else skipped(ON_TABLES, "schema")
    return checks if opened.sqlite else checks + await check_server(opened, settings, clock)


async def _on_tables(opened: Database, settings: Settings) -> list[Check]:
    embedded = settings.embedded

    async def queues() -> str:
        waiting, live = await running.read_waiting(opened), await running.read_workers(opened)
        return running.queues(waiting, live, embedded=embedded)

    async def staff() -> str:
        return running.staff(await running.read_workers(opened), embedded=embedded)

    return [
        await look("tables", lambda: database.tables(opened)),
        await look("writable", lambda: database.writable(opened), database.writable_advice(settings)),
        await look("secrets", lambda: database.secrets(settings), "Set TRADEFREE_SECRET_KEY to all keys ever used."),
        await look("queues", queues),
        await look("workers", staff),
        await look("leader", lambda: running.leader(opened, embedded=embedded)),
        await look("backups", lambda: backups.backups(opened, settings)),
    ]


async def check_server(opened: Database, settings: Settings, clock: Clock) -> list[Check]:
    """The settings of a MariaDB or MySQL server."""

    async def session() -> str:
        return server.session(await server.read_session(opened))

    async def durability() -> str:
        return server.durability(await read_server(opened))

    async def binary_log() -> str:
        return server.binary_log(await read_server(opened))

    async def packet_size() -> str:
        return server.packet_size(await read_server(opened), settings)

    async def connections() -> str:
        return server.connections(
            await read_server(opened), await running.count_workers(opened), await server.read_peak(opened)
        )

    async def buffer_pool() -> str:
        facts = await read_server(opened)
        return server.buffer_pool(facts, await server.read_volume(opened, facts))

    return [
        await look("session", session),
        await look("durability", durability),
        await look("binary log", binary_log),
        await look("packet size", packet_size),
        await look("connections", connections),
        await look("buffer pool", buffer_pool),
        await look("transactions", lambda: server.transactions(opened)),
        await look("clock", lambda: clocks.skew(opened, clock), clocks.ADVICE),
    ]
