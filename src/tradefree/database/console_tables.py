"""The tables of the console: who is signed in, the sums that charts are drawn from, and what held tasks."""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.database.columns import JsonText, Moment, ascii_text
from tradefree.database.schema import MYSQL, metadata

console_sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("token_hash", ascii_text(64), primary_key=True, comment="SHA-256 of the cookie"),
    sa.Column("key_id", ascii_text(36), nullable=False, comment="whose rights it has"),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Index("ix_console_sessions_key", "key_id"),
    sa.Index("ix_console_sessions_started", "started_at"),
    comment="Browsers that are signed in",
    **MYSQL,
)

task_series = sa.Table(
    "task_series",
    metadata,
    sa.Column("span", sa.Integer, primary_key=True, autoincrement=False, comment="seconds"),
    sa.Column("at", Moment, primary_key=True, comment="when that stretch of time began"),
    sa.Column("type", ascii_text(63), primary_key=True),
    sa.Column("accepted", sa.BigInteger, nullable=False),
    sa.Column("completed", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("cancelled", sa.BigInteger, nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("cost", JsonText, nullable=False, comment="by currency"),
    sa.Column("waits", JsonText, nullable=False, comment="numbers by class of length"),
    sa.Column("runs", JsonText, nullable=False),
    comment="What happened to tasks, summed up by the leader",
    **MYSQL,
)

hold_stretches = sa.Table(
    "hold_stretches",
    metadata,
    sa.Column("type", ascii_text(63), primary_key=True),
    sa.Column("began_at", Moment, primary_key=True),
    sa.Column("ended_at", Moment, nullable=False, comment="when the leader saw it last"),
    sa.Column("kind", ascii_text(16), nullable=False),
    sa.Column("scope", ascii_text(128), nullable=False),
    sa.Index("ix_hold_stretches_ended", "ended_at"),
    comment="What held the tasks of a type",
    **MYSQL,
)

series_marks = sa.Table(
    "series_marks",
    metadata,
    sa.Column("name", ascii_text(32), primary_key=True),
    sa.Column("log_id", sa.BigInteger, nullable=False, comment="lines up to this one are summed up"),
    **MYSQL,
)
