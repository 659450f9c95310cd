"""The rig: one database with two ways to it, one that can be disturbed and one that cannot, and a back door."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from faults.sweep.content import BackDoor, Content, FileDoor, ServerDoor, emptied
from faults.sweep.fault import Commands
from faults.sweep.sqlite import disturb
from faults.sweep.system import System
from faults.sweep.unit import Unit
from faults.sweep.wire import Wire
from faults.sweep.world import furnish
from private_servers import database_on
from stores.engines import MEMORY, migrated_file
from tradefree.database.migrate import upgrade

_furnished: dict[str, Content] = {}
"""What every unit begins with, by kind of database: made once, then put back."""


class Rig:
    """Where a unit is swept."""

    def __init__(self, kind: str, url: sa.URL, calm: System, door: BackDoor, commands: Commands) -> None:
        self.kind = kind
        self.url = url
        """Of the way that can be disturbed."""
        self.direct = calm.database.url
        """Of the way that cannot."""
        self.calm = calm
        self.door = door
        self.commands = commands

    async def furnish(self) -> None:
        """Bring the database to what every unit begins with, made anew."""
        await self.door.replace(emptied(await self.door.read()))
        await furnish(self.calm)

    async def given(self, unit: Unit) -> Content:
        """Bring the database to what is there before the unit."""
        if self.kind not in _furnished:
            await self.furnish()
            _furnished[self.kind] = await self.door.read()
        await self.door.replace(_furnished[self.kind])
        if unit.given is not None:
            await unit.given(self.calm)
        return await self.door.read()

    @asynccontextmanager
    async def system(self) -> AsyncIterator[System]:
        """A system that is disturbed, with its connections open."""
        system = System(self.url)
        if self.url.get_backend_name() == "sqlite":
            for engine in system.engines():
                disturb(engine, self.commands)
        try:
            await system.warm_up()
            yield system
        finally:
            self.commands.watch()
            await system.close()


@asynccontextmanager
async def open_rig(kind: str, *, ticks: bool = False) -> AsyncIterator[Rig]:
    """On SQLite, or on the private server of this kind. ``ticks``: in real time."""
    async with AsyncExitStack() as stack:
        commands = Commands()
        if kind == "sqlite":
            file = Path(stack.enter_context(TemporaryDirectory(dir=MEMORY))) / "tasks.db"
            direct = url = sa.make_url(f"sqlite+aiosqlite:///{file}")
        else:
            direct = sa.make_url(database_on(kind))
            wire = await stack.enter_async_context(Wire(direct.host or "", direct.port or 0, commands))
            url = direct.set(port=wire.port)
        calm = System(direct, ticks=ticks)
        stack.push_async_callback(calm.close)
        if kind == "sqlite":
            shutil.copy(await migrated_file(calm.clock), file)
        elif kind not in _migrated:
            await upgrade(calm.database)
            _migrated.add(kind)
        door: BackDoor = FileDoor(file) if kind == "sqlite" else await ServerDoor.open(direct)
        stack.push_async_callback(door.close)
        yield Rig(kind, url, calm, door, commands)


_migrated: set[str] = set()
