"""What a database says of itself, on each kind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from database.servers import empty_database, opened
from private_servers import DATABASES
from tradefree.database.about import about
from tradefree.database.migrate import head, upgrade
from tradefree.database.protocol import PROTOCOL
from tradefree.database.stores.backing import BackingStore, BackupRecord
from tradefree.ids import new_id

KINDS = {"sqlite": "SQLite 3.", "mariadb": "MariaDB 1", "mysql": "MySQL "}


@pytest.mark.parametrize("kind", ["sqlite", *DATABASES])
async def test_what_it_says(kind: str, tmp_path: Path) -> None:
    url = sa.make_url(f"sqlite+aiosqlite:///{tmp_path}/x.db") if kind == "sqlite" else await empty_database(kind)
    database = opened(url)
    await upgrade(database)
    told = await about(database)
    assert told["database"].startswith(KINDS[kind])
    assert (told["schema_version"], told["protocol"], told["leader"]) == (head(), PROTOCOL, None)
    assert told["last_backup"] is told["last_proved_backup"] is None
    now = database.clock.now()
    await BackingStore(database).record_backup(BackupRecord(new_id(), now, "a", "h", 7, proved_at=now, proved_on="x"))
    later = now + timedelta(hours=1)
    await BackingStore(database).record_backup(BackupRecord(new_id(), later, "b", "h", error="no room"))
    told = await about(database)
    assert (told["last_backup"]["file"], told["last_backup"]["error"]) == ("b", "no room")
    assert (told["last_proved_backup"]["file"], told["last_proved_backup"]["proved_at"]) == ("a", now)
    await database.close()
