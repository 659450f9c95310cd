"""What a unit of work is done with: a store on a frozen clock, and the callers of the store."""

from __future__ import annotations

from collections.abc import Callable, Collection

import sqlalchemy as sa
from sqlalchemy import event

from tradefree.access.secrets import SecretBox
from tradefree.clock import Clock, SystemClock
from tradefree.database import mysql
from tradefree.database.engine import Database
from tradefree.database.mysql import MysqlEngines
from tradefree.database.store import SqlStore
from tradefree.tasks.catalog import Catalog
from tradefree.testing.clock import FrozenClock
from tradefree.testing.doubles import RecordingDoorbell, RecordingSignals
from tradefree.worker import writer

_KEYS = (
    "vq4rkXxTrwZ3TnZbm8kyPHmuGYy0EdVTnWoy2PYzQ5o=",
    "n2rJZkzYvZk0b0Jm5y5CwqkqgnT0l5mAqvFqf3eJ4nQ=",
)  # of these tests alone
BOX = SecretBox(",".join(_KEYS))
EARLIER = SecretBox(_KEYS[1])


class System:
    """One process's parts. Its clock stands still unless ``ticks``, and so does the database's as it sees it."""

    def __init__(self, url: sa.URL, *, ticks: bool = False) -> None:
        self.clock: Clock = SystemClock() if ticks else FrozenClock()
        self.store = SqlStore(url, self.clock, BOX)
        if not ticks and not self.database.sqlite:
            for engine in self.engines():
                _freeze(engine, self.clock)
        self.signals = RecordingSignals()
        self.doorbell = RecordingDoorbell()
        self.used: set[int] = set()
        """Which of the engines have given out a connection since this was last cleared."""
        for number, engine in enumerate(self.engines()):
            event.listen(engine, "checkout", lambda *_, n=number: self.used.add(n))

    @property
    def database(self) -> Database:
        return self.store.database

    def catalog(self) -> Catalog:
        """A new one, which has read nothing."""
        return Catalog(self.store, self.clock)

    def engines(self) -> list[sa.Engine]:
        """The database's: the one that writes first."""
        engines = self.database._engines
        readers = [engines._reader.sync_engine, engines._searcher.sync_engine]
        if isinstance(engines, MysqlEngines):
            return [engines._writer.sync_engine, *readers]
        return [engines._writer._engine, *readers]

    def checked_out(self) -> int:
        """Connections that have not come back."""
        return sum(engine.pool.checkedout() for engine in self.engines())  # type: ignore[attr-defined]

    async def warm_up(self, which: Collection[int] = (0, 1, 2)) -> None:
        """Open a connection of each kind, so that what a unit sends is what it sends on an ordinary day."""

        async def unit(connection: object) -> None:
            return None

        for number in which:
            await (self.database.write(unit) if number == 0 else self.database.read(unit, slow=number == 2))

    async def close(self) -> None:
        await self.store.close()


def _freeze(engine: sa.Engine, clock: Clock) -> None:
    """Every connection's UTC_TIMESTAMP() is the clock's time, so that statements are the same each time."""

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: object, _: object) -> None:
        cursor = dbapi_connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(f"SET SESSION timestamp = {clock.now().timestamp():.6f}")
        cursor.close()


def steady(set_: Callable[[object, str, object], object]) -> None:
    """What hangs on time is made to hang on none: every connection is asked whether it lives before it is used, and who
    insists does so at once. ``set_`` is ``setattr`` or one that is undone."""
    set_(mysql, "IDLE_SECONDS", 0.0)
    set_(writer, "RETRY_EVERY", 0.0)
