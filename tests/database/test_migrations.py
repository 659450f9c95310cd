"""Migrations make what the tables say, and can be undone; a database that does not fit is refused with a sentence."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from database.servers import empty_database, opened
from private_servers import DATABASES
from tradefree.access.secrets import new_key
from tradefree.clock import SystemClock
from tradefree.database import mysql
from tradefree.database.engine import Database
from tradefree.database.migrate import FOLDER, current, downgrade, head, require_current, upgrade
from tradefree.database.tables import api_keys, leaders, metadata
from tradefree.errors import SettingsError, StorageUnavailable
from tradefree.testing.cluster import TRADEFREE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = "2026-01-01 00:00:00"
MIGRATIONS = ScriptDirectory(str(FOLDER))


@pytest.fixture(params=("sqlite", *DATABASES))
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> sa.URL:
    """An empty database."""
    if request.param == "sqlite":
        return sa.make_url(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    return await empty_database(request.param)


@pytest.fixture
async def database(url: sa.URL) -> AsyncIterator[Database]:
    database = opened(url)
    yield database
    await database.close()


async def tables(database: Database) -> set[str]:
    return set(await database.read(lambda c: c.run_sync(lambda sync: sa.inspect(sync).get_table_names())))


def differences(connection: sa.Connection) -> list[Any]:
    """Between the database and the table definitions."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_migrations_equal_the_table_definitions(database: Database) -> None:
    await upgrade(database)
    assert await database.read(lambda c: c.run_sync(differences)) == []


async def test_check_constraints_are_in_the_database(database: Database) -> None:
    await upgrade(database)

    def constraints(connection: sa.Connection) -> set[str | None]:
        inspector = sa.inspect(connection)
        return {check["name"] for table in metadata.tables for check in inspector.get_check_constraints(table)}

    defined = {
        constraint.name
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }
    assert await database.read(lambda c: c.run_sync(constraints)) == defined
    assert len(defined) >= 4


async def test_down_removes_everything_and_up_brings_it_back(database: Database) -> None:
    await upgrade(database)
    assert set(metadata.tables) <= await tables(database)
    await downgrade(database, "base")
    assert await tables(database) == {"alembic_version"}
    await upgrade(database)
    assert await current(database) == head()


async def test_the_founding_tables_keep_their_columns(database: Database) -> None:
    await upgrade(database)

    def columns(connection: sa.Connection) -> dict[str, set[str]]:
        inspector = sa.inspect(connection)
        return {name: {c["name"] for c in inspector.get_columns(name)} for name in ("tasks", "task_logs")}

    found = await database.read(lambda c: c.run_sync(columns))
    wanted = {"id", "type", "status", "input_data", "output_data", "error_message", "created_at", "updated_at"}
    assert wanted <= found["tasks"]
    assert {"id", "task_id", "level", "message", "created_at"} <= found["task_logs"]


async def test_the_database_refuses_nonsense(database: Database) -> None:
    await upgrade(database)
    row = {
        "id": "1", "type": "t", "status": "queued", "created_at": DAY, "updated_at": DAY, "run_at": DAY, "sort_at": DAY,
        "lane": "t/", "priority": 0, "labels": "{}", "attempt_count": 0, "failures": 0, "crashes": 0, "deferrals": 0,
    }  # fmt: skip
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    for status, reason in (("queued", "in_flight"), ("completed", "ended"), ("unheard-of", "status")):
        with pytest.raises(sa.exc.DBAPIError, match=reason):
            await database.write(
                lambda c, s=status: c.execute(  # type: ignore[misc]
                    sa.text(f"INSERT INTO tasks ({names}) VALUES ({marks})"), {**row, "status": s}
                )
            )


async def at_later_schema(database: Database, oldest: str) -> None:
    """As if a later version had migrated it."""
    for statement in ("UPDATE alembic_version SET version_num = '9999'", f"UPDATE leaders SET oldest = '{oldest}'"):
        await database.write(lambda c, s=statement: c.execute(sa.text(s)))  # type: ignore[misc]


async def test_an_empty_database_is_refused_with_a_sentence(database: Database) -> None:
    with pytest.raises(SettingsError, match="tradefree migrate"):
        await require_current(database)
    await upgrade(database)
    await require_current(database)


async def test_a_later_schema_is_refused_unless_it_says_that_this_version_may_work(database: Database) -> None:
    await upgrade(database)
    await at_later_schema(database, oldest="9998")
    for refusing in (require_current, upgrade):
        with pytest.raises(SettingsError, match="9999 is newer than this version of tradefree: upgrade tradefree"):
            await refusing(database)
    await at_later_schema(database, oldest=head())
    await require_current(database)
    await upgrade(database)
    assert await current(database) == "9999", "it is left as it is"


async def test_an_earlier_schema_is_refused_with_a_sentence(database: Database) -> None:
    await upgrade(database, "0010")
    with pytest.raises(SettingsError, match=f"at schema 0010, this version needs {head()}: run `tradefree migrate`"):
        await require_current(database)


async def test_the_database_says_which_versions_may_work_on_it(database: Database) -> None:
    await upgrade(database)
    told = await database.read(lambda c: c.scalar(sa.select(leaders.c.oldest)))
    assert told == MIGRATIONS.get_revision(head()).module.oldest


def test_every_migration_says_which_versions_may_work_with_it() -> None:
    silent = [f"{number:04}" for number in range(1, 11)]  # before there was a way to say it
    chain = [script.revision for script in MIGRATIONS.walk_revisions()][::-1]
    for number, revision in enumerate(chain):
        oldest = getattr(MIGRATIONS.get_revision(revision).module, "oldest", None)
        assert (oldest is None) == (revision in silent), f"{revision}: give it `oldest = ...`, see CONTRIBUTING.md"
        assert oldest is None or oldest in chain[: number + 1]


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("This is not a database, it is a text that is long enough to be looked at. " * 20)
    database = Database(sa.make_url(f"sqlite+aiosqlite:///{tmp_path}/x.db"), SystemClock())
    with pytest.raises(StorageUnavailable, match="not a database"):
        await upgrade(database)
    await database.close()


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:////no/such/folder/x.db"])
def test_a_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="TRADEFREE_DATABASE_URL"):
        Database(sa.make_url(url), SystemClock())


# ── on a server ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_database_with_another_character_set_is_as_good(kind: str) -> None:
    database = opened(await empty_database(kind, charset="latin1"))
    await upgrade(database)
    await require_current(database)
    name = "张伟的店 🧧"
    await database.write(
        lambda c: c.execute(
            sa.insert(api_keys).values(id="1", name=name, hint="h", secret_hash="s", scopes=[name], created_at=NOW)
        )
    )
    row = (await database.read(lambda c: c.execute(sa.select(api_keys)))).one()
    assert (row.name, row.scopes) == (name, [name])
    await database.close()


@pytest.mark.parametrize("kind", DATABASES)
async def test_migrations_take_turns(kind: str) -> None:
    url = await empty_database(kind)
    environment = {**os.environ, "TRADEFREE_DATABASE_URL": url.render_as_string(hide_password=False)}
    environment["TRADEFREE_SECRET_KEY"] = new_key()
    pipe = asyncio.subprocess.PIPE
    both = [
        await asyncio.create_subprocess_exec(TRADEFREE, "migrate", env=environment, stdout=pipe, stderr=pipe)
        for _ in range(2)
    ]
    said = await asyncio.gather(*(process.communicate() for process in both))
    assert [process.returncode for process in both] == [0, 0], said
    database = opened(url)
    await require_current(database)
    await database.close()


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_migration_may_take_longer_than_any_other_statement(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql, "SILENT_SECONDS", 0.2)
    database = opened(await empty_database(kind))
    slow = sa.text("SELECT SLEEP(0.6)")
    with pytest.raises(StorageUnavailable):
        await database.write(lambda c: c.scalar(slow))
    assert await database.migrate(lambda c: c.scalar(slow)) == 0
    await database.close()


class Died(BaseException):
    """Nobody may catch this: the process is gone."""


@contextmanager
def dying_after(first_times: set[str]) -> Iterator[None]:
    """Every change of the schema that is made for the first time is the last thing that its process does."""

    def die(*seen: Any) -> None:
        statement = seen[2].strip()
        if statement.split()[0] in ("CREATE", "DROP", "ALTER") and statement not in first_times:
            first_times.add(statement)
            raise Died

    sa.event.listen(sa.Engine, "after_cursor_execute", die)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", die)


async def insist(migrate: Callable[[], Awaitable[None]]) -> int:
    """Again and again, until it comes to its end; how often it died."""
    changes: set[str] = set()
    for deaths in range(100):
        try:
            with dying_after(changes):
                await migrate()
        except Died:
            continue
        return deaths
    raise AssertionError("it does not come any further")


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_migration_that_died_is_repeated(kind: str) -> None:
    database = opened(await empty_database(kind))
    assert await insist(lambda: upgrade(database)) >= len(metadata.tables)
    assert await database.read(lambda c: c.run_sync(differences)) == []
    await require_current(database)
    assert await insist(lambda: downgrade(database, "base")) >= len(metadata.tables)
    assert await tables(database) <= {"alembic_version"}
    await database.close()
