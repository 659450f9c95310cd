"""What raises events: hooks and schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import JsonText, Moment, ascii_text, long_text, text
from tradefree.database.schema import MYSQL

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_hooks()
    op.create_table(
        "schedules",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("fire_at", Moment(), comment="the next run"),
        sa.Column("wake_at", Moment(), comment="when it comes: jitter included"),
        sa.Column("pause", JsonText(), comment="who stopped it, when and why"),
        sa.Column("last_fire_at", Moment()),
        sa.Column("last_event_id", ascii_text(36), comment="of the last run that was raised"),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )
    op.create_index("ix_schedules_wake", "schedules", ["wake_at"])
    op.create_table(
        "schedule_fires",
        sa.Column("schedule", ascii_text(63), nullable=False),
        sa.Column("fire_at", Moment(), nullable=False, comment="no run is decided twice, whoever leads"),
        sa.Column("outcome", ascii_text(16), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("event_id", ascii_text(36)),
        sa.Column("reason", text(255)),
        sa.PrimaryKeyConstraint("schedule", "fire_at"),
        **MYSQL,
    )
    op.create_index("ix_schedule_fires_decided", "schedule_fires", ["decided_at"])


def _make_hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("sealed_secrets", long_text(), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Doors for foreign webhooks",
        **MYSQL,
    )
    op.create_table(
        "hook_totals",
        sa.Column("hook", ascii_text(63), nullable=False),
        sa.Column("outcome", ascii_text(16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("hook", "outcome"),
        comment="How many messages came to a hook, and what became of them",
        **MYSQL,
    )


def downgrade() -> None:
    for table in ("schedule_fires", "schedules", "hook_totals", "hooks"):
        op.drop_table(table)
