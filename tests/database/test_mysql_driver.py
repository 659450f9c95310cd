"""Text reaches the servers as it is, whatever is in it."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from database.servers import empty_database, opened
from private_servers import DATABASES

SPECIAL = ["\\", "'", '"', "\0", "\n", "\r", "\x1a", "%", "%s", "%%", ":text", "?", "é", "订", "\x5c'", "鋼", "📦"]
"""What means something to SQL, to the driver or to its formatting; 鋼 has a backslash as its last byte in GBK."""
TEXTS = ["".join(three) for three in itertools.product(SPECIAL, repeat=3)]


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES"])
@pytest.mark.parametrize("kind", DATABASES)
async def test_text_comes_back_as_it_was(kind: str, mode: str) -> None:
    database = opened(await empty_database(kind))

    async def unit(connection: AsyncConnection) -> list[str]:
        await connection.exec_driver_sql(f"SET SESSION sql_mode = CONCAT(@@sql_mode, ',{mode}')")
        await connection.exec_driver_sql("CREATE TEMPORARY TABLE notes (id INT, text TEXT) CHARACTER SET utf8mb4")
        many = "INSERT INTO notes (id, text) VALUES (%s, %s)"
        await connection.exec_driver_sql(many, list(enumerate(TEXTS)))
        for number, text in enumerate(SPECIAL, len(TEXTS)):
            values = {"id": number, "text": text}
            await connection.execute(sa.text("INSERT INTO notes (id, text) VALUES (:id, :text)"), values)
        return list((await connection.execute(sa.text("SELECT text FROM notes ORDER BY id"))).scalars())

    assert await database.write(unit) == [*TEXTS, *SPECIAL]
    await database.close()
