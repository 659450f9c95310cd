"""``keys``: API keys, and keys for the secrets of connections. Works on the database, so it needs no key itself."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.access.scopes import Scope
from tradefree.cli import render
from tradefree.cli.exits import note
from tradefree.cli.options import AsJson, seconds
from tradefree.cli.person import person
from tradefree.cli.session import with_store
from tradefree.clock import SystemClock
from tradefree.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from tradefree.access.keys import ApiKey, Keys
    from tradefree.database.store import SqlStore

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

LIST: render.Columns = (
    ("id", "text"),
    ("name", "text"),
    ("key", "text"),
    ("state", "status"),
    ("scopes", "text"),
    ("task types", "text"),
    ("own only", "text"),
    ("created", "moment"),
    ("expires", "moment"),
    ("last used", "moment"),
)
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="What or whom it is for.")],
    scopes: Annotated[list[Scope], typer.Option("--scope", help="A right it has; may be repeated.")],
    task_types: Annotated[
        list[str] | None, typer.Option("--type", help="The only task types it may touch; may be repeated.")
    ] = None,
    own_only: Annotated[bool, typer.Option("--own-only", help="It sees only tasks that it submitted itself.")] = False,
    expires_in: Annotated[
        float | None, typer.Option(parser=seconds, metavar="DURATION", help="When it ends: 12h, 90d.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it. It is never shown again.

    \b
    tradefree keys create --name shop --scope tasks:write --scope tasks:read --own-only
    export TRADEFREE_API_KEY=$(tradefree keys create --name me --scope admin --json | jq -r .key)
    """
    if not _NAME.fullmatch(name):
        raise typer.BadParameter("should be 1 to 255 characters on one line", param_hint="--name")
    if expires_in is not None and expires_in <= 0:
        raise typer.BadParameter("should be in the future", param_hint="--expires-in")

    async def work(store: SqlStore) -> tuple[ApiKey, str]:
        only = tuple(task_types) if task_types else None
        await _warn_of_unknown(store, only or ())
        return await _keys(store).create(
            name,
            frozenset(scopes),
            task_types=only,
            own_only=own_only,
            expires_in=expires_in,
            by=person("tradefree keys"),
        )

    key, secret = with_store(work)
    if as_json:
        render.document({**_document(key), "key": secret})
        return
    render.details([("id", "text", key.id), ("key", "text", secret)])
    note("Keep the key: only its hash is stored, so it cannot be shown again.")


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the API keys, revoked ones too, oldest first."""
    found = with_store(lambda store: _keys(store).list())
    if as_json:
        render.document({"items": [_document(key) for key in found]})
        return
    now = SystemClock().now()
    render.table(LIST, [_row(key, now) for key in found], empty="There is no API key; make one: tradefree keys create")


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or the beginning of one no other has.")],
    as_json: AsJson = False,
) -> None:
    """Revoke an API key. Running services believe it for five seconds more."""

    async def work(store: SqlStore) -> ApiKey:
        made = _keys(store)
        return await made.revoke(_whole_id(key_id, await made.list()), by=person("tradefree keys"))

    key = with_store(work)
    if as_json:
        render.document(_document(key))
    else:
        render.table((("id", "text"), ("name", "text"), ("revoked", "moment")), [[key.id, key.name, key.revoked_at]])


@keys.command()
def secret(as_json: AsJson = False) -> None:
    """Print a fresh key for TRADEFREE_SECRET_KEY, which encrypts the secrets of connections. Nothing is stored."""
    from tradefree.access.secrets import new_key

    fresh = new_key()
    if as_json:
        render.document({"secret_key": fresh})
    else:
        print(fresh)


def _keys(store: SqlStore) -> Keys:
    from tradefree.access.keys import Keys

    return Keys(store, SystemClock())


async def _warn_of_unknown(store: SqlStore, names: tuple[str, ...]) -> None:
    _, known = await store.task_types()
    for name in names:
        if name not in known:
            note(f"There is no task type {name!r} yet.")


def _whole_id(text: str, known: list[ApiKey]) -> str:
    wanted = text.strip().lower()
    found = [key.id for key in known if key.id.startswith(wanted)]
    if not wanted or not found:
        raise NotFound(f"no API key's id begins with {text!r}")
    if len(found) > 1:
        raise InvalidInput(f"{text} is ambiguous: {', '.join(found[:3])}{' …' if len(found) > 3 else ''}")
    return found[0]


def state(key: ApiKey, now: datetime) -> str:
    """``active``, ``expired`` or ``revoked``."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


def _row(key: ApiKey, now: datetime) -> list[Any]:
    return [
        key.id,
        key.name,
        f"{key.hint}…",
        state(key, now),
        ", ".join(sorted(key.scopes)),
        ", ".join(key.task_types) if key.task_types is not None else None,
        "yes" if key.own_only else None,
        key.created_at,
        key.expires_at,
        key.last_used_at,
    ]


def _document(key: ApiKey) -> dict[str, Any]:
    """As the service shows keys."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": sorted(key.scopes),
        "task_types": None if key.task_types is None else list(key.task_types),
        "own_only": key.own_only,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
