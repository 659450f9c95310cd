"""The tables of what raises events: hooks and schedules."""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.database.columns import JsonText, Moment, ascii_text, long_text, text
from tradefree.database.schema import MYSQL, metadata

hooks = sa.Table(
    "hooks",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("sealed_secrets", long_text(), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
    sa.Column("updated_at", Moment, nullable=False),
    comment="Doors for foreign webhooks",
    **MYSQL,
)

hook_totals = sa.Table(
    "hook_totals",
    metadata,
    sa.Column("hook", ascii_text(63), primary_key=True),
    sa.Column("outcome", ascii_text(16), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    comment="How many messages came to a hook, and what became of them",
    **MYSQL,
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("fire_at", Moment, comment="the next run"),
    sa.Column("wake_at", Moment, comment="when it comes: jitter included"),
    sa.Column("pause", JsonText, comment="who stopped it, when and why"),
    sa.Column("last_fire_at", Moment),
    sa.Column("last_event_id", ascii_text(36), comment="of the last run that was raised"),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("ix_schedules_wake", "wake_at"),
    **MYSQL,
)

schedule_fires = sa.Table(
    "schedule_fires",
    metadata,
    sa.Column("schedule", ascii_text(63), primary_key=True),
    sa.Column("fire_at", Moment, primary_key=True, comment="no run is decided twice, whoever leads"),
    sa.Column("outcome", ascii_text(16), nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Column("event_id", ascii_text(36)),
    sa.Column("reason", text(255)),
    sa.Index("ix_schedule_fires_decided", "decided_at"),
    **MYSQL,
)
