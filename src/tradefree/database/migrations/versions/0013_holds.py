"""What held the tasks of a type, and when.

Only a new table: processes of the version before may work on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import Moment, ascii_text
from tradefree.database.schema import MYSQL

revision = "0013"
down_revision = "0012"
oldest = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold_stretches",
        sa.Column("type", ascii_text(63), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=False, comment="when the leader saw it last"),
        sa.Column("kind", ascii_text(16), nullable=False),
        sa.Column("scope", ascii_text(128), nullable=False),
        sa.PrimaryKeyConstraint("type", "began_at"),
        comment="What held the tasks of a type",
        **MYSQL,
    )
    op.create_index("ix_hold_stretches_ended", "hold_stretches", ["ended_at"])


def downgrade() -> None:
    op.drop_table("hold_stretches")
