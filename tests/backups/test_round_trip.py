"""What is backed up comes back the same, on whatever database; what is wrong is refused and leaves nothing behind."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from backups.content import NOW, database_of, emptied, filled
from database.servers import on_server
from private_servers import DATABASES
from tradefree.access.secrets import SecretBox, new_key
from tradefree.backups import archive, sealing
from tradefree.backups import make as making
from tradefree.backups import restore as restoring
from tradefree.backups import verify as verifying
from tradefree.backups.archive import ArchiveReader, ArchiveWriter
from tradefree.backups.layout import Layout, layouts
from tradefree.backups.make import Made, make
from tradefree.backups.restore import restore
from tradefree.backups.snapshot import snapshot
from tradefree.backups.verify import verify
from tradefree.clock import SystemClock
from tradefree.database.engine import Database
from tradefree.database.migrate import downgrade, head, upgrade
from tradefree.database.store import SqlStore
from tradefree.database.tables import metadata, tasks
from tradefree.errors import BackupDamaged, InvalidInput, SettingsError, TradefreeError
from tradefree.ids import new_id

KINDS = ("sqlite", *DATABASES)
CLOCK = SystemClock()
SETTLED = {"workers", "leaders", "audit"}
"""Tables in which a restore puts something right."""
BOX = SecretBox(new_key())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "COST", {"n": 2, "r": 1, "p": 1})


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = await filled(await database_of(request.param, tmp_path))
    yield store
    await store.close()


async def backed_up(store: SqlStore, passphrase: str | None = None) -> tuple[bytes, Made]:
    sink = io.BytesIO()
    made = await make(store.database, sink, version="9.9", passphrase=passphrase)
    return sink.getvalue(), made


async def contents(url: sa.URL) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in Python's terms."""
    database = Database(url, CLOCK)
    found = {}
    for table in metadata.sorted_tables:
        rows = await database.read(lambda connection, table=table: _all(connection, table))  # type: ignore[misc]
        found[table.name] = sorted(rows, key=repr)
    await database.close()
    return found


async def _all(connection: Any, table: sa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.execute(sa.select(table))]


@pytest.mark.parametrize("into", KINDS)
async def test_everything_comes_back_the_same_on_any_database(store: SqlStore, into: str, tmp_path: Path) -> None:
    before = await contents(store.database.url)
    assert all(before.values()), "a table has no row: the test would not see it"
    file, made = await backed_up(store)
    (tmp_path / "new").mkdir()
    url = await database_of(into, tmp_path / "new")
    restored = await restore(ArchiveReader(io.BytesIO(file)), url, CLOCK)
    after = await contents(url)
    assert {name: rows for name, rows in after.items() if name not in SETTLED} == {
        name: rows for name, rows in before.items() if name not in SETTLED
    }
    assert restored.rows == made.rows == sum(map(len, before.values()))
    assert {name: entry["rows"] for name, entry in made.manifest.items()} == {n: len(r) for n, r in before.items()}


async def test_who_worked_has_left_and_nobody_leads(store: SqlStore, tmp_path: Path) -> None:
    file, _ = await backed_up(store)
    (tmp_path / "new").mkdir()
    url = await database_of("sqlite", tmp_path / "new")
    await restore(ArchiveReader(io.BytesIO(file)), url, CLOCK)
    again = SqlStore(url, CLOCK, BOX)
    assert {worker.status for worker, _ in await again.all_workers()} == {"left"}
    assert await again.lead("me", 3.0) is not None, "the old leader's lease is over"
    in_flight = await again.orphans(100, 30.0)
    assert len(in_flight) == 1, "the ordinary recovery finds what was in flight"
    (entry,) = [entry for entry in await again.audit(limit=10) if entry.action == "database.restored"]
    assert entry.detail["schema"] == head()
    await again.close()


async def test_others_write_while_a_backup_is_made(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of its first moment, whatever is deleted once that has passed."""
    before = len((await contents(store.database.url))["tasks"])

    @asynccontextmanager
    async def disturbed(*arguments: Any) -> AsyncIterator[Any]:
        async with snapshot(*arguments) as taken:
            await store.database.write(lambda connection: connection.execute(sa.delete(tasks)))
            yield taken

    monkeypatch.setattr(making, "snapshot", disturbed)
    _, made = await backed_up(store)
    assert made.manifest["tasks"]["rows"] == before
    assert (await contents(store.database.url))["tasks"] == []


async def test_an_encrypted_backup_needs_its_passphrase(store: SqlStore, tmp_path: Path) -> None:
    file, made = await backed_up(store, "open sesame")
    assert made.encrypted
    (tmp_path / "new").mkdir()
    url = await database_of("sqlite", tmp_path / "new")
    for wrong in (None, "open barley"):
        with pytest.raises(SettingsError, match="TRADEFREE_BACKUP_PASSPHRASE"):
            await restore(ArchiveReader(io.BytesIO(file), wrong), url, CLOCK)
        assert list((tmp_path / "new").iterdir()) == [], "nothing is left of the try"
    assert (await restore(ArchiveReader(io.BytesIO(file), "open sesame"), url, CLOCK)).rows == made.rows


# ── verify ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def sound(store: SqlStore) -> None:
    """Take out what the filler made up and does not fit together."""

    async def unit(connection: Any) -> None:
        await connection.execute(sa.delete(metadata.tables["event_decisions"]))
        for name in ("idempotency_keys", "task_labels"):
            table = metadata.tables[name]
            await connection.execute(sa.delete(table).where(table.c.task_id.not_in(sa.select(tasks.c.id))))

    await store.database.write(unit)


@pytest.mark.parametrize("on", KINDS)
async def test_a_good_backup_is_proved_and_leaves_nothing(
    store: SqlStore, on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = f"verify_{new_id()[-12:]}_"  # others verify on this server, too
    monkeypatch.setattr(verifying, "SCRATCH", scratch)
    await sound(store)
    file, made = await backed_up(store)
    at = None if on == "sqlite" else await database_of(on, tmp_path)
    place = tmp_path / "scratch"
    place.mkdir()
    proof = await verify(ArchiveReader(io.BytesIO(file)), CLOCK, BOX, server=at, folder=place)
    assert (proof.rows, proof.on, proof.made_at, proof.id) == (made.rows, on, NOW + timedelta(seconds=0.75), made.id)
    assert proof.questions == 9
    assert proof.closed > 0, "the secrets in it were sealed with no key of ours"
    assert list(place.iterdir()) == []
    if at is not None:
        names = [name for (name,) in await on_server(at, "SHOW DATABASES")]
        assert [name for name in names if name.startswith(scratch)] == []


def damages(file: bytes) -> list[bytes]:
    """Some hundred ways in which a file of some size may be broken."""
    places = range(0, len(file), max(1, len(file) // 60))
    flipped = [file[:place] + bytes([file[place] ^ 0x10]) + file[place + 1 :] for place in places]
    return [*flipped, *(file[:place] for place in places), file[: len(file) - 1], file + b"x"]


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
async def test_damage_is_found_by_verify_and_by_restore(tmp_path: Path, passphrase: str | None) -> None:
    store = await filled(await database_of("sqlite", tmp_path))
    file, _ = await backed_up(store, passphrase)
    await store.close()
    (tmp_path / "new").mkdir()
    url = await database_of("sqlite", tmp_path / "new")
    for broken in damages(file):
        with pytest.raises(TradefreeError):
            for _ in ArchiveReader(io.BytesIO(broken), passphrase).rows():
                pass
    for broken in (file[:-1], damages(file)[40]):
        with pytest.raises(BackupDamaged):
            await verify(ArchiveReader(io.BytesIO(broken), passphrase), CLOCK, BOX, folder=tmp_path / "new")
        with pytest.raises(BackupDamaged):
            await restore(ArchiveReader(io.BytesIO(broken), passphrase), url, CLOCK)
        assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_row_that_does_not_arrive_as_it_was_is_found(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await filled(await database_of(kind, tmp_path))
    file, _ = await backed_up(store)
    await store.close()
    url = await emptied(store.database.url) if kind != "sqlite" else store.database.url.set(database=f"{tmp_path}/n.db")
    honest, before, after = orjson.loads, "2026-03-29 01:59:59.000007", "2026-03-29 01:59:59.000000"
    broken = SimpleNamespace(
        loads=lambda line: [after if value == before else value for value in honest(line)],
        JSONDecodeError=orjson.JSONDecodeError,
    )
    monkeypatch.setattr(restoring, "orjson", broken)
    with pytest.raises(BackupDamaged, match="was not restored as it was"):
        await restore(ArchiveReader(io.BytesIO(file)), url, CLOCK)
    monkeypatch.undo()
    if kind != "sqlite":
        assert await on_server(url, "SHOW TABLES") == [], "what was made is gone again"
    await restore(ArchiveReader(io.BytesIO(file)), url, CLOCK)


# ── refused ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_database_that_is_not_empty_is_refused_and_left_alone(store: SqlStore) -> None:
    file, _ = await backed_up(store)
    before = await contents(store.database.url)
    with pytest.raises(SettingsError, match=r"TRADEFREE_DATABASE_URL: .*nothing was changed"):
        await restore(ArchiveReader(io.BytesIO(file)), store.database.url, CLOCK)
    assert await contents(store.database.url) == before


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    sink = io.BytesIO()
    facts = {"id": "1", "made_at": NOW, "schema": "9999", "version": "7.0"}
    writer = ArchiveWriter(sink, facts, None)
    writer.finish()
    for attempt in (
        restore(ArchiveReader(io.BytesIO(sink.getvalue())), await database_of("sqlite", tmp_path), CLOCK),
        verify(ArchiveReader(io.BytesIO(sink.getvalue())), CLOCK, BOX),
    ):
        with pytest.raises(InvalidInput, match=r"schema 9999, made by tradefree 7\.0: newer .* upgrade tradefree"):
            await attempt
    assert list(tmp_path.iterdir()) == []


def layouts_then(connection: sa.Connection) -> list[Layout]:
    """As a version had them that knew no more than what is in this database."""
    inspector = sa.inspect(connection)
    there = {name: {column["name"] for column in inspector.get_columns(name)} for name in inspector.get_table_names()}
    return [
        replace(layout, columns=tuple(name for name in layout.columns if name in there[layout.table]))
        for layout in layouts()
        if layout.table in there
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_older_schema_is_restored_and_brought_up_to_date(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that a version before made: here, of the schema before this one."""
    store = await filled(await database_of(kind, tmp_path))
    await store.database.write(lambda connection: connection.execute(sa.text("UPDATE workers SET status = 'left'")))
    await downgrade(store.database, "0008")

    then = await store.database.read(lambda connection: connection.run_sync(layouts_then))

    async def no_matter(database: Database) -> None: ...

    monkeypatch.setattr(making, "require_current", no_matter)
    monkeypatch.setattr(making, "head", lambda: "0008")
    monkeypatch.setattr(making, "layouts", lambda: then)
    file, _ = await backed_up(store)
    await store.close()
    url = await emptied(store.database.url) if kind != "sqlite" else store.database.url.set(database=f"{tmp_path}/n.db")
    restored = await restore(ArchiveReader(io.BytesIO(file)), url, CLOCK)
    assert restored.schema == "0008"
    again = SqlStore(url, CLOCK, BOX)
    await upgrade(again.database)
    assert await again.backups(5) == []
    await again.close()


async def test_a_damaged_database_is_not_backed_up_as_if_it_were_well(tmp_path: Path) -> None:
    store = await filled(await database_of("sqlite", tmp_path), 60)
    await store.close()
    _damage(Path(store.database.url.database or ""))
    with pytest.raises(TradefreeError, match=r"damaged|malformed"):
        await make(store.database, io.BytesIO(), version="1")
    await store.close()


def _damage(file: Path) -> None:
    """Write over some pages in the middle."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // 2)
        content.write(b"\xff" * 30_000)


def test_rows_are_handed_over_in_pieces_of_a_bounded_size() -> None:
    lines = [b"{}", *[b"[1]"] * 2500, b"[" + b"1" * 2_000_000 + b"]", b"[2]", b"{}"]
    sizes = [len(batch) for batch in archive._batches(lines)]
    assert sizes == [1, 1000, 1000, 500, 1, 1, 1]


async def test_the_tables_of_a_backup_are_all_there_are(tmp_path: Path) -> None:
    assert {layout.table for layout in layouts()} == set(metadata.tables)
    assert layouts()[-1].table == "leaders", "its row opens the database to everybody"
