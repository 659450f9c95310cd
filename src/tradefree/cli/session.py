"""Where commands meet the world: one event loop for each command, with an HTTP client or with the database.

Everything heavy is imported here and inside, so that ``tradefree --help`` loads none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from tradefree.errors import SettingsError

if TYPE_CHECKING:
    from tradefree.cli.client import Client
    from tradefree.database.store import SqlStore

T = TypeVar("T")


def call(url: str | None, api_key: str | None, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do something with the task service; what is not given comes from the settings."""
    from tradefree.cli.client import Client

    async def main() -> T:
        async with Client(*address(url, api_key)) as client:
            return await work(client)

    return asyncio.run(main())


def address(url: str | None, api_key: str | None) -> tuple[str, str | None]:
    """Where the service is, and the key for it."""
    if url is None or api_key is None:
        from tradefree.settings import load_settings

        settings = load_settings()
        url = url if url is not None else settings.api_url
        if api_key is None and settings.api_key is not None:
            api_key = settings.api_key.get_secret_value()
    return url, api_key


def with_store(work: Callable[[SqlStore], Awaitable[T]], *, may_be_new: bool = False) -> T:
    """Do something with the configured database; all connections are closed at the end.

    An SQLite file that is not there is an error, unless ``may_be_new``: it is most likely the wrong folder.
    """
    from tradefree.bootstrap import make_store
    from tradefree.clock import SystemClock
    from tradefree.settings import load_settings

    settings = load_settings()
    file = settings.database.database
    if settings.database.get_backend_name() == "sqlite" and file and not may_be_new and not Path(file).exists():
        raise SettingsError(
            f"TRADEFREE_DATABASE_URL: there is no database at {Path(file).absolute()}; are you in the folder where "
            "`tradefree up` runs? `tradefree migrate` would make a new one"
        )

    async def main() -> T:
        store = make_store(settings, SystemClock())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def path_of(*parts: str) -> str:
    """The path of a resource by names, whatever characters they have."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)
