"""The store: all of a database's stores as one object."""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.access.secrets import SecretBox
from tradefree.clock import Clock
from tradefree.database.engine import Database
from tradefree.database.stores.browsing import BrowsingStore
from tradefree.database.stores.deciding import DecidingStore
from tradefree.database.stores.defining import DefiningStore
from tradefree.database.stores.keeping import KeepingStore
from tradefree.database.stores.leading import LeadingStore
from tradefree.database.stores.recovering import RecoveringStore
from tradefree.database.stores.submitting import SubmittingStore
from tradefree.database.stores.working import WorkingStore


class SqlStore(
    SubmittingStore,
    LeadingStore,
    DecidingStore,
    WorkingStore,
    RecoveringStore,
    BrowsingStore,
    DefiningStore,
    KeepingStore,
):
    """Implements every storage port on SQLite."""

    def __init__(self, url: sa.URL, clock: Clock, box: SecretBox) -> None:
        self._database = Database(url, clock)
        self._box = box

    @property
    def database(self) -> Database:
        return self._database

    async def close(self) -> None:
        """Give all connections back."""
        await self._database.close()
