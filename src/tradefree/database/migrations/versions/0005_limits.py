"""Limits that can be changed while the system runs, rates, learnt ceilings, the audit trail.

A leader of the version before would not keep them, so the protocol is raised.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import JsonText, Moment, ascii_text, text
from tradefree.database.protocol import raise_protocol
from tradefree.database.tables import MYSQL

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    raise_protocol(op.get_bind(), 3)
    op.add_column(
        "workers", sa.Column("pressure", JsonText(), comment="what it has seen of each connection since it began")
    )
    op.add_column("connections", sa.Column("limits", JsonText(), comment="caps and whether its ceiling is learnt"))
    op.create_table(
        "limits",
        sa.Column("scope", ascii_text(160), nullable=False, comment="queue:default, limit:NAME, lane:TYPE/DIGEST, ..."),
        sa.Column("baseline", JsonText(), comment="as defined; of types and connections it stands with them"),
        sa.Column("override", JsonText(), comment="as somebody changed it while the system ran"),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
        **MYSQL,
    )
    op.create_table(
        "limit_windows",
        sa.Column("scope", ascii_text(160), nullable=False),
        sa.Column(
            "state", sa.BigInteger(), nullable=False, comment="when the next start is due, microseconds since 1970"
        ),
        sa.PrimaryKeyConstraint("scope"),
        comment="Rates: written by the leader in the round that admits",
        **MYSQL,
    )
    op.create_table(
        "limit_refunds",
        sa.Column("lane", ascii_text(96), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="starts that were counted and never began"),
        sa.PrimaryKeyConstraint("lane"),
        **MYSQL,
    )
    op.create_table(
        "limit_ceilings",
        sa.Column("connection", ascii_text(63), nullable=False),
        sa.Column("document", JsonText(), nullable=False, comment="what was learnt of it"),
        sa.PrimaryKeyConstraint("connection"),
        **MYSQL,
    )
    op.create_table(
        "backlog_locks",
        sa.Column("scope", ascii_text(160), nullable=False, comment="locked while the waiting tasks of it are counted"),
        sa.PrimaryKeyConstraint("scope"),
        **MYSQL,
    )
    op.create_table(
        "audit",
        sa.Column("id", ascii_text(36), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", text(255), nullable=False),
        sa.Column("action", ascii_text(64), nullable=False),
        sa.Column("target", text(255), nullable=False),
        sa.Column("detail", JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Who changed what",
        **MYSQL,
    )
    op.create_index("ix_audit_target", "audit", ["target", "id"])


def downgrade() -> None:
    raise_protocol(op.get_bind(), 2)
    op.drop_index("ix_audit_target", table_name="audit")
    for table in ("audit", "backlog_locks", "limit_ceilings", "limit_refunds", "limit_windows", "limits"):
        op.drop_table(table)
    with op.batch_alter_table("connections") as connections:
        connections.drop_column("limits")
    with op.batch_alter_table("workers") as workers:
        workers.drop_column("pressure")
