"""Events, triggers, what they decided; tasks know the event that made them and their trace.

A service of the version before would store tasks that lack their columns without complaint, but workers would not hand
the trace on and rules would be read by nobody, so the protocol is raised.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import Flag, JsonText, Moment, ascii_text, text
from tradefree.database.protocol import raise_protocol
from tradefree.database.schema import MYSQL

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    raise_protocol(op.get_bind(), 4)
    op.add_column("tasks", sa.Column("event_id", ascii_text(36), comment="the event that made it"))
    op.add_column("tasks", sa.Column("traceparent", ascii_text(55), comment="W3C trace context"))
    _make_events()
    _make_decisions()
    _make_triggers()


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", ascii_text(36), nullable=False),
        sa.Column("digest", ascii_text(64), nullable=False, comment="SHA-256 of source, NUL, event_id"),
        sa.Column("source", text(500), nullable=False),
        sa.Column("event_id", text(255), nullable=False, comment="the sender's"),
        sa.Column("type", text(255), nullable=False),
        sa.Column("subject", text(500)),
        sa.Column("time", Moment(), comment="when it happened, as the sender says"),
        sa.Column("data", JsonText()),
        sa.Column("is_binary", Flag(), comment="1: data is base64 text"),
        sa.Column("attributes", JsonText(), nullable=False, comment="the others, extensions among them"),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("received_by", ascii_text(80), nullable=False, comment="key:ID, hook:SLUG, schedule:NAME"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name=op.f("uq_events_digest")),
        comment="What happened elsewhere",
        **MYSQL,
    )
    op.create_index("ix_events_type", "events", ["type", "id"])
    op.create_index("ix_events_receiver", "events", ["received_by", "id"])


def _make_decisions() -> None:
    op.create_table(
        "event_decisions",
        sa.Column("event_id", ascii_text(36), nullable=False),
        sa.Column("trigger_name", ascii_text(63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", ascii_text(16), nullable=False),
        sa.Column("part", text(500), nullable=False),
        sa.Column("reason", text(500), nullable=False),
        sa.Column("conditions", JsonText(), nullable=False, comment="of each part of the filter, whether it was true"),
        sa.Column("task_id", ascii_text(36)),
        sa.CheckConstraint(
            "outcome IN ('made', 'no_match', 'failed', 'refused')", name=op.f("ck_event_decisions_outcome")
        ),
        sa.CheckConstraint("(outcome = 'made') = (task_id IS NOT NULL)", name=op.f("ck_event_decisions_made")),
        sa.PrimaryKeyConstraint("event_id", "trigger_name"),
        comment="What rules decided about events: one decision each, so nothing is made twice",
        **MYSQL,
    )
    op.create_index("ix_event_decisions_trigger", "event_decisions", ["trigger_name", "event_id"])


def _make_triggers() -> None:
    op.create_table(
        "triggers",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failing", text(63), nullable=False, comment="the part that failed last"),
        sa.Column("reason", text(1000), nullable=False, comment="why the system disabled it"),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", text(255), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )
    op.create_index("ix_triggers_failures", "triggers", ["failures"])
    op.create_table(
        "trigger_versions",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("document", JsonText(), comment="nothing: it was deleted"),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by_whom", text(255), nullable=False),
        sa.Column("reason", text(1000), nullable=False),
        sa.PrimaryKeyConstraint("name", "version"),
        comment="Kept after a trigger is gone, for the decisions it made",
        **MYSQL,
    )


def downgrade() -> None:
    raise_protocol(op.get_bind(), 3)
    for table in ("trigger_versions", "triggers", "event_decisions", "events"):
        op.drop_table(table)
    with op.batch_alter_table("tasks") as tasks:
        tasks.drop_column("traceparent")
        tasks.drop_column("event_id")
