"""A server, a login, a database or tables that cannot work are refused at the start, each with one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa

from database.servers import empty_database, on_server, opened, user_of
from private_servers import DATABASES
from tradefree.database.engine import Database
from tradefree.database.migrate import require_current, upgrade
from tradefree.database.server import require_server, server_of, too_old
from tradefree.database.shape import find_faults
from tradefree.errors import SettingsError, StorageRefused, StorageUnavailable, TradefreeError
from tradefree.testing.processes import free_port
from tradefree.testing.servers import Mariadb


@contextlib.contextmanager
def refused(kind: type[TradefreeError], *words: str) -> Iterator[None]:
    """The body is refused in one sentence with these words, and without the password."""
    with pytest.raises(kind) as caught:
        yield
    said = str(caught.value)
    assert [word for word in words if word not in said] == [], said
    assert "swordfish" not in said
    assert "\n" not in said


async def start(url: str | sa.URL) -> None:
    """What every process does at its start."""
    database = opened(url)
    try:
        await require_current(database)
    finally:
        await database.close()


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest) -> sa.URL:
    return await empty_database(request.param)


@pytest.fixture
async def database(url: sa.URL) -> AsyncIterator[Database]:
    database = opened(url)
    await upgrade(database)
    await require_current(database)
    yield database
    await database.close()


# ── the login ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_password(url: sa.URL) -> None:
    user = await user_of(url, f"ALL ON {url.database}.*")
    with refused(StorageRefused, "TRADEFREE_DATABASE_URL", str(user.username), "password is wrong"):
        await start(user.set(password="swordfish2"))


async def test_a_database_that_is_not_there(url: sa.URL) -> None:
    with refused(StorageRefused, "TRADEFREE_DATABASE_URL", "no database 'nowhere'", "create it"):
        await start(url.set(database="nowhere"))


async def test_a_database_that_the_user_may_not_use(url: sa.URL) -> None:
    user = await user_of(url)
    with refused(StorageRefused, "TRADEFREE_DATABASE_URL", f"GRANT ALL ON `{url.database}`.* TO '{user.username}'"):
        await start(user)


async def test_a_right_that_is_missing(database: Database, url: sa.URL) -> None:
    reader = opened(await user_of(url, f"SELECT ON {url.database}.*"))
    with refused(StorageRefused, "TRADEFREE_DATABASE_URL", "UPDATE command denied", "GRANT ALL ON"):
        await reader.write(lambda c: c.execute(sa.text("UPDATE leaders SET epoch = epoch")))
    await reader.close()


async def test_a_host_that_is_not_there(url: sa.URL) -> None:
    with refused(StorageUnavailable, "no database answers at no.such.host.invalid:"):
        await start(url.set(host="no.such.host.invalid", password="swordfish"))


async def test_a_port_where_nobody_listens(url: sa.URL) -> None:
    port = free_port()
    with refused(StorageUnavailable, f"no database answers at 127.0.0.1:{port}: Connection refused"):
        await start(url.set(host="127.0.0.1", port=port, password="swordfish"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("mysql+asyncmy://u:swordfish@h", "names no database"),
        ("mysql+asyncmy://u:swordfish@h/x?charset=latin1", "charset must be utf8mb4"),
        ("mysql+asyncmy://u:swordfish@h/x?colour=red", "does not know: colour"),
        ("mysql+asyncmy://u:swordfish@h/x?connect_timeout=long", "wrong value"),
    ],
)
def test_a_url_that_cannot_work(wrong: str, words: str) -> None:
    with refused(SettingsError, "TRADEFREE_DATABASE_URL", words):
        opened(wrong)


# ── the server ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_server_that_is_too_old() -> None:
    with Mariadb(options=["--version=10.5.8-MariaDB"]) as server:
        database = opened(server.url("mysql"))
        for refusing in (require_current, upgrade):
            with refused(SettingsError, "MariaDB 10.5.8", "MariaDB 10.6 or MySQL 8.0 or newer is needed"):
                await refusing(database)
        await database.close()


@pytest.mark.parametrize(
    ("said", "named", "old"),
    [
        ("10.5.29-MariaDB-0+deb11u1", "MariaDB 10.5.29", True),
        ("10.6.0-MariaDB", "MariaDB 10.6.0", False),
        ("11.4.2-MariaDB-ubu2404", "MariaDB 11.4.2", False),
        ("5.7.44-log", "MySQL 5.7.44", True),
        ("8.0.36-28", "MySQL 8.0.36", False),
        ("9.7.4-2", "MySQL 9.7.4", False),
    ],
)
def test_versions(said: str, named: str, old: bool) -> None:
    server = server_of(said, {})
    assert str(server) == named
    assert (too_old(server) is not None) is old


async def test_a_server_that_logs_statements() -> None:
    with Mariadb(options=["--log-bin=log", "--binlog-format=STATEMENT"]) as server:
        url = server.url("mysql")
        database = opened(url)
        for refusing in (require_current, upgrade):
            with refused(SettingsError, "binlog_format=STATEMENT", "set binlog_format=ROW"):
                await refusing(database)
        await on_server(url, "SET GLOBAL binlog_format = 'MIXED'")
        await require_server(database)
        await database.close()


# ── the tables ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_newer_schema(database: Database, url: sa.URL) -> None:
    await on_server(url, "UPDATE alembic_version SET version_num = '9999'", "UPDATE leaders SET oldest = '9999'")
    with refused(SettingsError, "9999 is newer", "upgrade tradefree"):
        await require_current(database)


async def mended(database: Database, url: sa.URL) -> None:
    """What is advised makes the database good again."""
    await on_server(url, *(fault.mend for fault in await find_faults(database)))
    await require_current(database)


async def test_tables_without_transactions(database: Database, url: sa.URL) -> None:
    await on_server(url, "ALTER TABLE tasks ENGINE=MyISAM", "ALTER TABLE workers ENGINE=MyISAM")
    with refused(SettingsError, "the table tasks is MyISAM", "must be InnoDB", "1 more table", "tradefree doctor"):
        await require_current(database)
    await mended(database, url)


async def test_tables_that_were_converted(database: Database, url: sa.URL) -> None:
    await on_server(url, "ALTER TABLE tasks CONVERT TO CHARACTER SET latin1")
    with refused(SettingsError, "tasks.id (and ", "latin1_swedish_ci", "must be ascii_bin"):
        await require_current(database)
    await mended(database, url)


async def test_text_that_could_not_hold_every_letter(database: Database, url: sa.URL) -> None:
    await on_server(url, "ALTER TABLE workers MODIFY name VARCHAR(255) CHARACTER SET latin1 NOT NULL")
    with refused(SettingsError, "workers.name has the collation latin1_swedish_ci", "must be utf8mb4_bin"):
        await require_current(database)
    await mended(database, url)


async def test_text_that_is_never_compared_may_have_another_collation(database: Database, url: sa.URL) -> None:
    column = "name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL"
    await on_server(url, f"ALTER TABLE workers MODIFY {column}")
    await require_current(database)


async def test_a_table_and_a_column_that_are_missing(database: Database, url: sa.URL) -> None:
    await on_server(url, "ALTER TABLE attempts DROP COLUMN price")
    with refused(SettingsError, "the table attempts has no column price"):
        await require_current(database)
    await on_server(url, "DROP TABLE task_logs")
    with refused(SettingsError, "the table task_logs is missing", "1 more table"):
        await require_current(database)
    assert "backup" in (await find_faults(database))[0].mend
