"""Questions to people. Versions that do not know them would leave an answer lying, so the protocol is raised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import JsonText, Moment
from tradefree.database.protocol import raise_protocol

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    raise_protocol(op.get_bind(), 2)
    op.add_column("tasks", sa.Column("question", JsonText(), comment="what a person is asked, and the answer"))
    op.add_column("tasks", sa.Column("answer_by", Moment()))


def downgrade() -> None:
    raise_protocol(op.get_bind(), 1)
    with op.batch_alter_table("tasks") as table:
        table.drop_column("answer_by")
        table.drop_column("question")
