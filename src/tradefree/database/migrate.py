"""Migrations: bring a database to this version's schema, or back."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.protocol import require_protocol, require_stopped
from tradefree.database.server import require_server
from tradefree.database.shape import require_shape
from tradefree.database.tables import leaders
from tradefree.errors import SettingsError

FOLDER = Path(__file__).with_name("migrations")


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision this version of the package needs."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def known() -> set[str]:
    """The revisions that this version of the package has heard of."""
    return {script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()}


async def upgrade(database: Database, to: str = "head") -> None:
    """Apply what is missing; nothing, if a later version has made the schema and this one may work on it.
    SettingsError if it may not, or could not work on this server anyway."""
    await require_server(database)
    if await newer(database):
        return

    async def unit(connection: AsyncConnection) -> None:
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), to))

    await database.migrate(unit)


async def downgrade(database: Database, to: str) -> None:
    """Go back to a revision; ``base`` removes everything. SettingsError while anybody works on the database, because
    what goes away is in use."""
    was = await current(database)

    async def unit(connection: AsyncConnection) -> None:
        if was is not None:
            await connection.run_sync(require_stopped)
        await connection.run_sync(lambda sync: command.downgrade(_config(sync), to))

    await database.migrate(unit)


async def current(database: Database) -> str | None:
    """The revision the database is at; None if it is empty."""

    async def unit(connection: AsyncConnection) -> str | None:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())

    return await database.read(unit)


async def require_current(database: Database) -> None:
    """Raise SettingsError, saying what to do, unless this version can work on the database as it is."""
    await require_server(database)
    await require_schema(database)
    await require_shape(database)
    await database.read(require_protocol)


async def require_schema(database: Database) -> None:
    """Raise SettingsError, saying what to do, unless the schema is this version's, or a later one that was made so that
    this version may work on it."""
    found = await current(database)
    if found is None:
        raise SettingsError("the database has no tables yet: run `tradefree migrate`")
    if found != head() and not await newer(database):
        raise SettingsError(f"the database is at schema {found}, this version needs {head()}: run `tradefree migrate`")


async def newer(database: Database) -> str | None:
    """The database's schema, if a later version has made it. SettingsError unless this version may work on it: each
    migration says what is the ``oldest`` schema whose versions can live with what it makes."""
    found, ours = await current(database), known()
    if found is None or found in ours:
        return None
    if await database.read(lambda connection: connection.scalar(sa.select(leaders.c.oldest))) not in ours:
        raise SettingsError(f"the database's schema {found} is newer than this version of tradefree: upgrade tradefree")
    return found
