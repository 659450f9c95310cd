"""What ``doctor`` looks at, one function each: says what it saw, or raises what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.bootstrap import make_celery, make_store
from tradefree.cli.client import Client
from tradefree.cli.exits import Refused
from tradefree.cli.session import address
from tradefree.cli.words import plural
from tradefree.clock import SystemClock
from tradefree.database.engine import Database
from tradefree.database.migrate import head, require_current
from tradefree.database.store import SqlStore
from tradefree.database.tables import leaders
from tradefree.errors import TradefreeError
from tradefree.settings import Settings, load_settings

KNOCK = 5
"""Seconds a broker has to answer."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one look brought to light, and what to do."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    detail: str
    advice: str = ""


class Fault(TradefreeError):
    """Something that ``doctor`` itself found."""


async def examine(url: str | None, api_key: str | None) -> list[Check]:
    """Look at everything; what cannot be looked at because of an earlier fault is skipped."""
    try:
        settings = load_settings()
    except TradefreeError as error:
        return [Check("settings", "failed", str(error), "Mend the setting in the environment or in .env.")]
    checks = [Check("settings", "ok", "can be read")]
    checks += await _database(settings)
    checks.append(await _look("broker", broker(settings), "Check TRADEFREE_BROKER_URL, and that the broker runs."))
    checks += await _service(*address(url, api_key))
    return checks


async def _database(settings: Settings) -> list[Check]:
    names = ("schema", "writable", "secrets")
    store: SqlStore | None = None
    try:
        detail = database_file(settings)
        store = make_store(settings, SystemClock())
        checks = [await _look("database", reachable(store.database, detail), "Check TRADEFREE_DATABASE_URL.")]
        if checks[0].status == "ok":
            checks.append(await _look("schema", schema(store.database), "Run `tradefree migrate`."))
        if checks[-1].status == "ok":
            checks.append(await _look("writable", writable(store.database), "Check the file's owner and the disk."))
            checks.append(await _look("secrets", secrets(store), "Set TRADEFREE_SECRET_KEY to all keys ever used."))
    except (TradefreeError, OSError) as error:
        checks = [
            Check("database", "failed", str(error), "Check TRADEFREE_DATABASE_URL; then run `tradefree migrate`.")
        ]
    finally:
        if store is not None:
            await store.close()
    done = {check.name for check in checks}
    return checks + [Check(name, "skipped", "the database comes first") for name in names if name not in done]


async def _service(url: str, api_key: str | None) -> list[Check]:
    try:
        async with Client(url, api_key) as client:
            service = await _look("service", ready(client), "Start it (`tradefree up`) or set TRADEFREE_API_URL.")
            if service.status != "ok":
                return [service, Check("API key", "skipped", "the service comes first")]
            advice = "Make one with `tradefree keys create` and set TRADEFREE_API_KEY."
            return [service, await _look("API key", key_works(client, api_key), advice)]
    except TradefreeError as error:
        return [Check("service", "failed", str(error), "Mend the setting.")]


async def _look(name: str, seeing: Awaitable[str], advice: str) -> Check:
    try:
        return Check(name, "ok", await seeing)
    except (TradefreeError, OSError) as error:
        return Check(name, "failed", str(error), advice)


def database_file(settings: Settings) -> str:
    """The database in words, without its password. An SQLite file must be there: looking would create it."""
    url = settings.database
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise Fault(f"there is no database file {url.database}")
    return url.render_as_string(hide_password=True)


async def reachable(database: Database, name: str) -> str:
    """The database answers."""
    await database.read(lambda connection: connection.scalar(sa.text("SELECT 1")))
    return f"{name} answers"


async def schema(database: Database) -> str:
    """The schema is this version's."""
    await require_current(database)
    return f"is at {head()}, as this version needs"


async def writable(database: Database) -> str:
    """A statement that writes is let through. It changes no row."""

    async def unit(connection: AsyncConnection) -> None:
        await connection.execute(sa.update(leaders).where(leaders.c.name.is_(None)).values(name="nobody"))

    await database.write(unit)
    return "can be written"


async def secrets(store: SqlStore) -> str:
    """The secret key opens what is stored."""
    return f"{plural(len(await store.connections(strict=True)), 'stored connection')} can be opened"


async def broker(settings: Settings) -> str:
    """The broker answers."""
    if settings.embedded:
        return "in memory, inside `tradefree up`; nothing to reach"
    await knock(lambda: _connect(settings))
    return "answers"


async def knock(connect: Callable[[], None]) -> None:
    """Raise Fault, in a sentence, unless ``connect`` succeeds in time."""
    try:
        await asyncio.wait_for(asyncio.to_thread(connect), KNOCK)
    except Exception as error:
        raise Fault(f"does not answer: {str(error) or type(error).__name__}") from None


def _connect(settings: Settings) -> None:
    with make_celery(settings).connection(connect_timeout=2) as connection:
        connection.ensure_connection(max_retries=1, timeout=KNOCK)


async def ready(client: Client) -> str:
    """The service answers and has all it needs."""
    answer = await client.get("/readyz")
    return f"{client.base} is {answer['status']}, version {answer['version']}"


async def key_works(client: Client, api_key: str | None) -> str:
    """The key is good; one without the right to read is good, too."""
    if not api_key:
        raise Fault("none is set")
    try:
        await client.get("/tasks", {"limit": "1"})
    except Refused as error:
        if error.status != 403:
            raise
        return f"is good, but may not read tasks: {error}"
    return "works"
