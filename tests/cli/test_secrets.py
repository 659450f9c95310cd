from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli.conftest import Cli
from tradefree.access.secrets import SecretBox, new_key
from tradefree.bootstrap import make_store
from tradefree.clock import SystemClock
from tradefree.database import source_tables, tables
from tradefree.database.schema import metadata
from tradefree.database.stores.resealing import SEALED
from tradefree.errors import SettingsError
from tradefree.settings import load_settings
from tradefree.tasks.types import Connection

OLD, NEW = new_key(), new_key()


@pytest.fixture
def database(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with a connection and a hook, whose secrets are under the old key."""
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", OLD)
    cli("migrate")

    async def fill() -> None:
        store = make_store(load_settings(), SystemClock())
        await store.put_connection(Connection(name="bot", kind="dify", base_url="http://d.test", api_key="app-canary"))
        await store.close()

    asyncio.run(fill())


def stored() -> tuple[str, str]:
    """The connection's key as it is opened and as it is stored."""

    async def look() -> tuple[str, str]:
        store = make_store(load_settings(), SystemClock())
        try:
            sealed = await store.database.read(
                lambda connection: connection.scalar(sa.select(tables.connections.c.sealed_api_key))
            )
            return (await store.connections(strict=True))["bot"].api_key, str(sealed)
        finally:
            await store.close()

    return asyncio.run(look())


def test_after_a_rotation_the_old_key_is_not_needed(cli: Cli, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", f"{NEW},{OLD}")
    assert json.loads(cli("secrets", "rotate", "--json").stdout) == {"renewed": 1, "current": 0, "unreadable": []}
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", NEW)
    assert stored()[0] == "app-canary"
    assert b"app-canary" not in b"".join(file.read_bytes() for file in Path().glob("test.db*"))
    with pytest.raises(SettingsError):
        SecretBox(OLD).open(stored()[1])


def test_a_second_rotation_has_nothing_to_do(cli: Cli, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", f"{NEW},{OLD}")
    cli("secrets", "rotate")
    before = stored()
    assert json.loads(cli("secrets", "rotate", "--json").stdout) == {"renewed": 0, "current": 1, "unreadable": []}
    assert stored() == before


def test_a_dry_run_writes_nothing(cli: Cli, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", f"{NEW},{OLD}")
    before = stored()
    assert json.loads(cli("secrets", "rotate", "--dry-run", "--json").stdout)["renewed"] == 1
    assert stored() == before


def test_what_no_key_opens_is_named_and_left(cli: Cli, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", NEW)
    said = cli("secrets", "rotate", code=1)
    assert "connection bot: none of the keys" in said.stderr
    assert "canary" not in said.output
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", OLD)
    assert stored()[0] == "app-canary"


def test_every_sealed_column_is_known() -> None:
    assert source_tables.hooks.name in metadata.tables
    sealed = {column for table in metadata.tables.values() for column in table.c if column.name.startswith("sealed")}
    assert sealed == {column for _, column in SEALED}
