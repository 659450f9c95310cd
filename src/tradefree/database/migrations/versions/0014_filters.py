"""Tasks are found by when they ended, lines of the audit trail by who and what.

Only new indexes: processes of the version before may work on.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
oldest = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_tasks_finished", "tasks", ["finished_at", "id"])
    op.create_index("ix_audit_actor", "audit", ["actor", "id"])
    op.create_index("ix_audit_action", "audit", ["action", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_action", table_name="audit")
    op.drop_index("ix_audit_actor", table_name="audit")
    op.drop_index("ix_tasks_finished", table_name="tasks")
