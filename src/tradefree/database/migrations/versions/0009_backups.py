"""Backups, and whether they can be restored.

Only new tables: processes of the version before may work on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import Flag, Moment, ascii_text, text
from tradefree.database.schema import MYSQL

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backups",
        sa.Column("id", ascii_text(36), nullable=False, comment="stands in the file's header, too"),
        sa.Column(
            "made_at", Moment(), nullable=False, comment="the moment whose rows it holds; of one that failed, its start"
        ),
        sa.Column("file", text(1000), nullable=False, comment="where it was written; - is a pipe"),
        sa.Column("host", text(255), nullable=False),
        sa.Column("size", sa.BigInteger(), comment="bytes"),
        sa.Column("row_count", sa.BigInteger()),
        sa.Column("encrypted", Flag()),
        sa.Column("took", sa.Double(), comment="seconds"),
        sa.Column("error", text(1000), comment="why it failed"),
        sa.Column("proved_at", Moment(), comment="when it was last restored for a test"),
        sa.Column("proved_on", ascii_text(16)),
        sa.Column("proof_error", text(1000), comment="why that failed"),
        sa.PrimaryKeyConstraint("id"),
        comment="What was backed up, and whether it can be restored",
        **MYSQL,
    )
    op.create_index("ix_backups_made", "backups", ["made_at"])


def downgrade() -> None:
    op.drop_table("backups")
