"""Transactions on SQLite: whole or not at all, whatever happens in the middle, and in words when it cannot be done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.clock import SystemClock
from tradefree.database import sqlite
from tradefree.database.engine import Database
from tradefree.errors import StorageUnavailable

INSERT = sa.text("INSERT INTO notes VALUES (:text)")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sa.make_url(f"sqlite+aiosqlite:///{tmp_path}/x.db"), SystemClock())
    await database.write(lambda c: c.execute(sa.text("CREATE TABLE notes (text TEXT)")))
    yield database
    await database.close()


async def notes(database: Database) -> list[str]:
    return list(await database.read(lambda c: c.scalars(sa.text("SELECT text FROM notes ORDER BY rowid"))))


async def add(database: Database, text: str) -> None:
    await database.write(lambda c: c.execute(INSERT, {"text": text}))


async def test_a_unit_that_raises_leaves_nothing(database: Database) -> None:
    async def unit(connection: AsyncConnection) -> None:
        await connection.execute(INSERT, {"text": "half"})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(unit)
    await add(database, "whole")
    assert await notes(database) == ["whole"]


async def test_a_unit_that_is_cancelled_leaves_nothing_and_lets_go_of_the_lock(database: Database) -> None:
    inside = asyncio.Event()

    async def endless() -> None:
        async with database.transaction() as connection:
            await connection.execute(INSERT, {"text": "half"})
            inside.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(endless())
    await inside.wait()
    working.cancel()
    await asyncio.wait([working])
    await add(database, "whole")
    assert await notes(database) == ["whole"]


async def test_units_take_turns(database: Database) -> None:
    await asyncio.gather(*(add(database, str(number)) for number in range(50)))
    assert await notes(database) == [str(number) for number in range(50)]


async def test_another_process_that_writes_is_waited_for(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO notes VALUES ('other')")
    waiting = asyncio.create_task(add(database, "ours"))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    assert await notes(database) == [], "readers are not held up"
    other.execute("COMMIT")
    other.close()
    await waiting
    assert await notes(database) == ["other", "ours"]


async def test_a_process_that_never_lets_go_is_said(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOCKED_SECONDS", 0.02)
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked"):
        await add(database, "ours")
    other.close()
    await add(database, "later")
    assert await notes(database) == ["later"]


async def test_a_full_disk_is_said_and_nothing_is_half_written(database: Database) -> None:
    async with database.transaction() as connection:
        pages = await connection.scalar(sa.text("PRAGMA page_count"))
        await connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 1}"))
    with pytest.raises(StorageUnavailable, match="disk is full"):
        await add(database, "x" * 100_000)
    await add(database, "small")
    assert await notes(database) == ["small"]
