"""Alembic's entry: runs the migrations on the connection that ``database.migrate`` hands over."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context

from tradefree.database.migrations import repeatable as repeatable
from tradefree.database.tables import leaders, metadata


def tell_oldest(*_: Any, **step: Any) -> None:
    """After each step, in its transaction: put down what the schema's migration says of older versions."""
    for revision in step["heads"]:
        module = context.script.get_revision(revision).module
        if oldest := getattr(module, "oldest", None):
            context.get_bind().execute(sa.update(leaders).values(oldest=oldest))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=True,
    on_version_apply=tell_oldest,
)
with context.begin_transaction():
    context.run_migrations()
