"""The tables of events, of the rules that look at them, and of what was decided."""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.database.columns import Flag, JsonText, Moment, ascii_text, text
from tradefree.database.schema import MYSQL, metadata

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", ascii_text(36), primary_key=True),
    sa.Column("digest", ascii_text(64), nullable=False, unique=True, comment="SHA-256 of source, NUL, event_id"),
    sa.Column("source", text(500), nullable=False),
    sa.Column("event_id", text(255), nullable=False, comment="the sender's"),
    sa.Column("type", text(255), nullable=False),
    sa.Column("subject", text(500)),
    sa.Column("time", Moment, comment="when it happened, as the sender says"),
    sa.Column("data", JsonText),
    sa.Column("is_binary", Flag, comment="1: data is base64 text"),
    sa.Column("attributes", JsonText, nullable=False, comment="the others, extensions among them"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("received_by", ascii_text(80), nullable=False, comment="key:ID, hook:SLUG, schedule:NAME"),
    sa.Index("ix_events_type", "type", "id"),
    sa.Index("ix_events_receiver", "received_by", "id"),
    comment="What happened elsewhere",
    **MYSQL,
)

event_decisions = sa.Table(
    "event_decisions",
    metadata,
    sa.Column("event_id", ascii_text(36), primary_key=True),
    sa.Column("trigger_name", ascii_text(63), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("outcome", ascii_text(16), nullable=False),
    sa.Column("part", text(500), nullable=False),
    sa.Column("reason", text(500), nullable=False),
    sa.Column("conditions", JsonText, nullable=False, comment="of each part of the filter, whether it was true"),
    sa.Column("task_id", ascii_text(36)),
    sa.CheckConstraint("outcome IN ('made', 'no_match', 'failed', 'refused')", name="outcome"),
    sa.CheckConstraint("(outcome = 'made') = (task_id IS NOT NULL)", name="made"),
    sa.Index("ix_event_decisions_trigger", "trigger_name", "event_id"),
    comment="What rules decided about events: one decision each, so nothing is made twice",
    **MYSQL,
)

triggers = sa.Table(
    "triggers",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("failing", text(63), nullable=False, comment="the part that failed last"),
    sa.Column("reason", text(1000), nullable=False, comment="why the system disabled it"),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("updated_by", text(255), nullable=False),
    sa.Index("ix_triggers_failures", "failures"),
    **MYSQL,
)

trigger_versions = sa.Table(
    "trigger_versions",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", JsonText, comment="nothing: it was deleted"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by_whom", text(255), nullable=False),
    sa.Column("reason", text(1000), nullable=False),
    comment="Kept after a trigger is gone, for the decisions it made",
    **MYSQL,
)
