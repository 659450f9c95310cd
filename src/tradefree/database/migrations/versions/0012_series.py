"""Sums that charts are drawn from.

Only new tables: processes of the version before may work on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import JsonText, Moment, ascii_text
from tradefree.database.schema import MYSQL

revision = "0012"
down_revision = "0011"
oldest = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "task_series",
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False, comment="seconds"),
        sa.Column("at", Moment(), nullable=False, comment="when that stretch of time began"),
        sa.Column("type", ascii_text(63), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", JsonText(), nullable=False, comment="by currency"),
        sa.Column("waits", JsonText(), nullable=False, comment="numbers by class of length"),
        sa.Column("runs", JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("span", "at", "type"),
        comment="What happened to tasks, summed up by the leader",
        **MYSQL,
    )
    op.create_table(
        "series_marks",
        sa.Column("name", ascii_text(32), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False, comment="lines up to this one are summed up"),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("series_marks")
    op.drop_table("task_series")
