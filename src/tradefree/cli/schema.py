"""``migrate``: bring the database to this version's schema, or back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradefree.cli import render
from tradefree.cli.exits import note
from tradefree.cli.options import AsJson
from tradefree.cli.session import with_store
from tradefree.errors import InvalidInput

if TYPE_CHECKING:
    from tradefree.database.store import SqlStore


def migrate(
    down: Annotated[
        str | None, typer.Option(metavar="REV", help="Go back to this revision; `base` removes all tables and data.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database to this version's schema."""
    before, after = with_store(lambda store: _migrate(store, down), may_be_new=True)
    if as_json:
        render.document({"before": before, "after": after})
        return
    render.table((("before", "text"), ("after", "text")), [[before or "empty", after or "empty"]])
    if before == after:
        note("Nothing to do: the schema was there already.")


async def _migrate(store: SqlStore, down: str | None) -> tuple[str | None, str | None]:
    from alembic.util import CommandError

    from tradefree.database.migrate import current, downgrade, upgrade

    before = await current(store.database)
    try:
        await (upgrade(store.database) if down is None else downgrade(store.database, down))
    except CommandError as error:
        raise InvalidInput(str(error), field="--down" if down is not None else "") from None
    return before, await current(store.database)
