"""Subscriptions to what becomes of tasks.

A process of the version before would end tasks without telling anybody; migration 0006 has raised the protocol already.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import JsonText, Moment, ascii_text, text
from tradefree.database.schema import MYSQL

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("document", JsonText(), nullable=False, comment="where to, and which tasks"),
        sa.Column("sealed_secrets", ascii_text(2000), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
        sa.Column("paused", JsonText(), comment="by whom, when, why"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="since the last success"),
        sa.Column("failing_since", Moment()),
        sa.Column("last_success_at", Moment()),
        sa.Column("last_failure_at", Moment()),
        sa.Column("last_error", text(500)),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Who is told about which tasks",
        **MYSQL,
    )
    op.create_table(
        "installation_secrets",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("sealed_secrets", ascii_text(2000), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("installation_secrets")
    op.drop_table("subscriptions")
