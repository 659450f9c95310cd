"""Lists of a million tasks: newest first by status, type and submitter; cancels are read from the index."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_tasks_status", "tasks", ["status", "id"])
    op.create_index("ix_tasks_type", "tasks", ["type", "id"])
    op.create_index("ix_tasks_submitter", "tasks", ["submitted_by", "id"])
    op.drop_index("ix_tasks_worker", table_name="tasks")
    op.create_index("ix_tasks_worker", "tasks", ["worker_id", "status", "cancel_requested_at"])


def downgrade() -> None:
    op.drop_index("ix_tasks_worker", table_name="tasks")
    op.create_index("ix_tasks_worker", "tasks", ["worker_id", "status"])
    op.drop_index("ix_tasks_submitter", table_name="tasks")
    op.drop_index("ix_tasks_type", table_name="tasks")
    op.drop_index("ix_tasks_status", table_name="tasks")
