"""Commands that work on the database, on a real SQLite file."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.fernet import Fernet

from cli.conftest import Cli, rows
from tradefree.access.keys import Keys
from tradefree.access.scopes import Scope
from tradefree.bootstrap import make_store
from tradefree.clock import SystemClock
from tradefree.database.store import SqlStore
from tradefree.errors import Unauthorized
from tradefree.settings import load_settings
from tradefree.tasks.callbacks.secrets import new_secret

T = TypeVar("T")

GOOD = """
connections:
  bot: {base_url: "http://x/v1", api_key: "${BOT_KEY:-app-one}"}
task_types:
  hello: {runner: echo}
  summary: {runner: dify.workflow, connection: bot, timeout: 10m}
"""


def on_store(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    async def main() -> T:
        store = make_store(load_settings(), SystemClock())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


@pytest.fixture
def migrated(cli: Cli) -> None:
    cli("migrate")


# ── migrate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_migrate_up_again_and_down(cli: Cli) -> None:
    first = json.loads(cli("migrate", "--json").stdout)
    assert first["before"] is None
    again = cli("migrate")
    assert rows(again) == [[first["after"], first["after"]]]
    assert "Nothing to do" in again.stderr
    assert json.loads(cli("migrate", "--down", "base", "--json").stdout) == {"before": first["after"], "after": None}


def test_migrate_to_a_revision_that_is_not(cli: Cli, migrated: None) -> None:
    assert "--down: Can't locate revision" in cli("migrate", "--down", "nope", code=2).stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "TRADEFREE_DATABASE_URL"),
        ("sqlite+aiosqlite:////no/such/folder/x.db", "/no/such/folder"),
        ("mysql+asyncmy://u:hidden@h/x", "TRADEFREE_SECRET_KEY"),
    ],
)
def test_a_wrong_database_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str, said: str) -> None:
    monkeypatch.setenv("TRADEFREE_DATABASE_URL", url)
    result = cli("migrate", code=2)
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "hidden" not in result.stderr


def test_a_file_that_is_no_database(cli: Cli, surroundings: Path) -> None:
    (surroundings / "test.db").write_text("hello " * 1000)
    assert "not a database" in cli("migrate", code=3).stderr


# ── apply ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _apply(cli: Cli, text: str, *options: str, code: int = 0) -> Any:
    Path("f.yaml").write_text(text)
    return cli("apply", "-f", "f.yaml", *options, code=code)


def test_apply_creates_then_leaves_alone_then_changes(
    cli: Cli, migrated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcomes() -> list[str]:
        return [row[2] for row in rows(_apply(cli, GOOD))]

    assert outcomes() == ["created", "created", "created"]
    assert outcomes() == ["unchanged", "unchanged", "unchanged"]
    monkeypatch.setenv("BOT_KEY", "app-two")
    assert outcomes() == ["changed", "unchanged", "unchanged"]
    assert on_store(lambda store: store.connections())["bot"].api_key == "app-two"
    assert all(b"app-two" not in file.read_bytes() for file in Path().glob("test.db*"))
    assert on_store(lambda store: store.task_types())[1]["summary"].timeout == 600.0


SHOP = "subscriptions: {shop: {url: 'https://shop.example.com/', statuses: [failed], secret: '${SECRET}'}}"


def test_apply_brings_subscriptions(cli: Cli, migrated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new_secret(), new_secret()
    monkeypatch.setenv("SECRET", first)
    for outcome in ("created", "unchanged"):
        assert rows(_apply(cli, SHOP)) == [["subscription", "shop", outcome]]
    monkeypatch.setenv("SECRET", second)
    assert rows(_apply(cli, SHOP)) == [["subscription", "shop", "changed"]]
    (shop,) = on_store(lambda store: store.subscribers()).values()
    assert shop.subscription.statuses == ("failed",)
    assert (shop.secrets.current, shop.secrets.old) == (second, first)
    assert all(first.encode() not in file.read_bytes() for file in Path().glob("test.db*"))


def test_apply_makes_a_secret_and_does_not_show_it(cli: Cli, migrated: None) -> None:
    done = _apply(cli, "subscriptions: {shop: {url: 'https://shop.example.com/'}}")
    assert "callbacks rotate shop" in done.stderr
    assert "whsec_" not in done.output
    assert rows(_apply(cli, "subscriptions: {shop: {url: 'https://shop.example.com/'}}"))[0][2] == "unchanged"


def test_apply_refuses_an_address_inside_unless_it_is_allowed(
    cli: Cli, migrated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = "subscriptions: {shop: {url: 'http://10.1.2.3/'}}"
    assert "subscriptions/shop/url: leads to 10.1.2.3" in _apply(cli, inside, code=2).stderr
    monkeypatch.setenv("TRADEFREE_CALLBACK_ALLOW", "10.0.0.0/8")
    assert rows(_apply(cli, inside)) == [["subscription", "shop", "created"]]


def test_a_dry_run_says_what_would_be_and_writes_nothing(cli: Cli, migrated: None) -> None:
    result = _apply(cli, GOOD, "--dry-run", "--json")
    said = json.loads(result.stdout)
    assert said["dry_run"] is True
    assert {item["outcome"] for item in said["items"]} == {"created"}
    assert "Nothing was written" in result.stderr
    assert on_store(lambda store: store.task_types())[1] == {}
    assert on_store(lambda store: store.connections()) == {}


@pytest.mark.parametrize(
    "bad", ["task_types: {x: {runner: nope}}", "task_types: {x: {}}", 'task_types: {x: {runner: "${NOPE}"}}']
)
def test_nothing_is_written_if_one_file_is_wrong(cli: Cli, migrated: None, bad: str) -> None:
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(bad)
    result = cli("apply", "-f", "good.yaml", "-f", "bad.yaml", code=2)
    assert "Error: bad.yaml:" in result.stderr
    assert "good.yaml" not in result.stderr
    assert result.stdout == ""
    assert on_store(lambda store: store.connections()) == {}


def test_an_unset_variable_is_named_with_its_line(cli: Cli) -> None:
    result = _apply(cli, "connections:\n  bot:\n    api_key: ${NO_SUCH_KEY}\n", code=2)
    assert "f.yaml:3: the environment variable NO_SUCH_KEY is not set" in result.stderr


def test_apply_wants_a_database_and_files(cli: Cli) -> None:
    before = set(Path().iterdir())
    told = _apply(cli, GOOD, code=2).stderr
    assert "there is no database at /" in told
    assert "`tradefree migrate`" in told
    assert {path.suffix for path in set(Path().iterdir()) - before} <= {".yaml"}, "nothing is made in a wrong folder"
    assert "gone.yaml: No such file" in cli("apply", "-f", "gone.yaml", code=2).stderr


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _create(cli: Cli, *options: str) -> dict[str, Any]:
    created: dict[str, Any] = json.loads(
        cli("keys", "create", "--name", "n", "--scope", "tasks:read", *options, "--json").stdout
    )
    return created


def test_a_created_key_works_and_has_what_was_asked_for(cli: Cli, migrated: None) -> None:
    made = _create(cli, "--scope", "tasks:write", "--type", "hello", "--own-only", "--expires-in", "90d")
    key = on_store(lambda store: Keys(store, SystemClock()).authenticate(made["key"]))
    assert key.id == made["id"]
    assert key.scopes == {Scope.TASKS_READ, Scope.TASKS_WRITE}
    assert (key.task_types, key.own_only) == (("hello",), True)
    assert key.expires_at is not None
    assert timedelta(days=89) < key.expires_at - SystemClock().now() <= timedelta(days=90)


def test_the_secret_is_printed_once_and_never_stored(cli: Cli, migrated: None) -> None:
    result = cli("keys", "create", "--name", "n", "--scope", "admin")
    (_, key_id), (_, secret) = rows(result)
    assert secret.startswith("tfk_")
    assert "cannot be shown again" in result.stderr
    listed = cli("keys", "list").stdout + cli("keys", "list", "--json").stdout
    assert key_id in listed
    assert secret not in listed
    with sqlite3.connect("test.db") as database:
        assert secret not in "\n".join(database.iterdump())


@pytest.mark.parametrize(
    "options",
    [
        ("--scope", "nope"),
        ("--expires-in", "soon"),
        ("--expires-in", "0s"),
        ("--name", ""),
        ("--name", "a\nb"),
    ],
)
def test_keys_that_are_not_made(cli: Cli, migrated: None, options: tuple[str, ...]) -> None:
    cli("keys", "create", "--name", "n", "--scope", "admin", *options, code=2)
    assert json.loads(cli("keys", "list", "--json").stdout) == {"items": []}


def test_revoke_by_the_beginning_of_the_id(cli: Cli, migrated: None) -> None:
    made = _create(cli)
    cli("keys", "revoke", made["id"][:-1])
    assert rows(cli("keys", "list"))[0][3] == "revoked"
    with pytest.raises(Unauthorized, match="revoked"):
        on_store(lambda store: Keys(store, SystemClock()).authenticate(made["key"]))


def test_revoke_refuses_what_is_not_one_key(cli: Cli, migrated: None) -> None:
    _create(cli)
    _create(cli)
    assert "ambiguous" in cli("keys", "revoke", "0", code=2).stderr
    cli("keys", "revoke", "zzz", code=5)
    cli("keys", "revoke", "", code=5)
    assert [row[3] for row in rows(cli("keys", "list"))] == ["active", "active"]


def test_a_fresh_secret_key_is_a_fernet_key(cli: Cli) -> None:
    fresh = cli("keys", "secret").stdout.strip()
    assert fresh != json.loads(cli("keys", "secret", "--json").stdout)["secret_key"]
    Fernet(fresh)


TRIGGERS = """
task_types: {hello: {runner: echo}}
triggers:
  big-orders: {event: "order.*", filter: "event.data.a > 1", task_type: hello}
"""


def test_apply_brings_triggers_and_writes_down_who_did(cli: Cli, migrated: None) -> None:
    def outcome(text: str) -> str:
        return str(rows(_apply(cli, text))[-1][2])

    assert outcome(TRIGGERS) == "created"
    assert outcome(TRIGGERS) == "unchanged"
    assert outcome(TRIGGERS.replace("> 1", "> 2")) == "changed"
    (kept,) = on_store(lambda store: store.triggers())[1]
    assert (kept.trigger.filter, kept.version) == ("event.data.a > 2", 2)
    assert re.fullmatch(r"tradefree apply \(.+@.+\)", kept.updated_by)
    line, *_ = on_store(lambda store: store.audit(limit=10))
    assert (line.action, line.target) == ("trigger.put", "trigger:big-orders")
