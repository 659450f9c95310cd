"""The table of backups: which were made, and which were proved by being restored."""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.database.columns import Flag, Moment, ascii_text, text
from tradefree.database.schema import MYSQL, metadata

backups = sa.Table(
    "backups",
    metadata,
    sa.Column("id", ascii_text(36), primary_key=True, comment="stands in the file's header, too"),
    sa.Column(
        "made_at", Moment, nullable=False, comment="the moment whose rows it holds; of one that failed, its start"
    ),
    sa.Column("file", text(1000), nullable=False, comment="where it was written; - is a pipe"),
    sa.Column("host", text(255), nullable=False),
    sa.Column("size", sa.BigInteger, comment="bytes"),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("encrypted", Flag),
    sa.Column("took", sa.Double, comment="seconds"),
    sa.Column("error", text(1000), comment="why it failed"),
    sa.Column("proved_at", Moment, comment="when it was last restored for a test"),
    sa.Column("proved_on", ascii_text(16)),
    sa.Column("proof_error", text(1000), comment="why that failed"),
    sa.Index("ix_backups_made", "made_at"),
    comment="What was backed up, and whether it can be restored",
    **MYSQL,
)
