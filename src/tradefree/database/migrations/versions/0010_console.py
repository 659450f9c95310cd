"""Sessions of the console.

Only a new table: processes of the version before may work on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import Moment, ascii_text
from tradefree.database.schema import MYSQL

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("token_hash", ascii_text(64), nullable=False, comment="SHA-256 of the cookie"),
        sa.Column("key_id", ascii_text(36), nullable=False, comment="whose rights it has"),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
        comment="Browsers that are signed in",
        **MYSQL,
    )
    op.create_index("ix_console_sessions_key", "console_sessions", ["key_id"])
    op.create_index("ix_console_sessions_started", "console_sessions", ["started_at"])


def downgrade() -> None:
    op.drop_table("console_sessions")
