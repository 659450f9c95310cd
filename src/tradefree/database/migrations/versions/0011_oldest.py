"""Which older versions may start on this schema.

Only a new column: processes of the version before may work on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import ascii_text

revision = "0011"
down_revision = "0010"
oldest = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "leaders",
        sa.Column("oldest", ascii_text(32), comment="a version that needs this schema or a later one may start"),
    )


def downgrade() -> None:
    with op.batch_alter_table("leaders") as table:
        table.drop_column("oldest")
