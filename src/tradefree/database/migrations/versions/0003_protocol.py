"""The protocol that processes on this database speak."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "leaders",
        sa.Column(
            "protocol",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="versions that may work together",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("leaders") as table:
        table.drop_column("protocol")
