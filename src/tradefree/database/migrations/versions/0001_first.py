"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from tradefree.database.columns import Flag, JsonText, Moment, Money, ascii_text, long_text, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_row_format": "DYNAMIC",
}


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ascii_text(36), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("hint", ascii_text(16), nullable=False),
        sa.Column("secret_hash", ascii_text(64), nullable=False, comment="SHA-256 of the key"),
        sa.Column("scopes", JsonText(), nullable=False),
        sa.Column("task_types", JsonText()),
        sa.Column("own_only", Flag()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment()),
        sa.Column("revoked_at", Moment()),
        sa.Column("last_used_at", Moment()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
        **MYSQL,
    )
    op.create_table(
        "attempts",
        sa.Column("task_id", ascii_text(36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker_id", ascii_text(36)),
        sa.Column("started_at", Moment()),
        sa.Column("finished_at", Moment()),
        sa.Column("outcome", ascii_text(16)),
        sa.Column("error_code", ascii_text(64)),
        sa.Column("error_message", long_text()),
        sa.Column("total_tokens", sa.BigInteger()),
        sa.Column("prompt_tokens", sa.BigInteger()),
        sa.Column("completion_tokens", sa.BigInteger()),
        sa.Column("price", Money()),
        sa.Column("currency", ascii_text(8)),
        sa.Column("elapsed", sa.Double(), comment="seconds, as the upstream counted them"),
        sa.Column("runner_state", JsonText()),
        sa.PrimaryKeyConstraint("task_id", "number"),
        **MYSQL,
    )
    op.create_table(
        "connections",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("kind", ascii_text(32), nullable=False),
        sa.Column("base_url", text(500), nullable=False),
        sa.Column("sealed_api_key", ascii_text(2000), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
        sa.Column("options", JsonText(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("digest", ascii_text(64), nullable=False, comment="SHA-256 of submitter, NUL, key"),
        sa.Column("request_hash", ascii_text(64), nullable=False),
        sa.Column("task_id", ascii_text(36), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        **MYSQL,
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"])
    op.create_table(
        "leaders",
        sa.Column("name", ascii_text(32), nullable=False),
        sa.Column("holder", ascii_text(64)),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", Moment()),
        sa.Column("config_version", sa.BigInteger(), nullable=False, comment="raised by every change of a definition"),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )
    op.create_table(
        "task_labels",
        sa.Column("digest", ascii_text(64), nullable=False, comment="SHA-256 of name, NUL, value"),
        sa.Column("task_id", ascii_text(36), nullable=False),
        sa.Column("value", text(255), nullable=False, comment="for searching by a part of it"),
        sa.PrimaryKeyConstraint("digest", "task_id"),
        **MYSQL,
    )
    op.create_index("ix_task_labels_task", "task_labels", ["task_id"])
    op.create_table(
        "task_logs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("task_id", ascii_text(36), nullable=False),
        sa.Column("level", ascii_text(8), nullable=False),
        sa.Column("message", long_text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("event", ascii_text(64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("data", JsonText()),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        mysql_row_format="DYNAMIC",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_task_logs_task", "task_logs", ["task_id", "id"])
    op.create_table(
        "task_totals",
        sa.Column("type", ascii_text(63), nullable=False),
        sa.Column("status", ascii_text(16), nullable=False),
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False, comment="spreads writers over rows"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("type", "status", "shard"),
        comment="How many tasks have ended, by type and status; a retry takes its task out again",
        **MYSQL,
    )
    op.create_table(
        "task_types",
        sa.Column("name", ascii_text(63), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **MYSQL,
    )
    op.create_table(
        "tasks",
        sa.Column("id", ascii_text(36), nullable=False),
        sa.Column("type", ascii_text(63), nullable=False),
        sa.Column("status", ascii_text(16), nullable=False),
        sa.Column("input_data", JsonText()),
        sa.Column("output_data", JsonText()),
        sa.Column("error_code", ascii_text(64)),
        sa.Column("error_message", long_text()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("run_at", Moment(), nullable=False),
        sa.Column("sort_at", Moment(), nullable=False, comment="run_at - priority * 10 s; earlier runs first"),
        sa.Column("wake_at", Moment(), comment="when the leader must look: due (scheduled) or expired (waiting)"),
        sa.Column("lane", ascii_text(96), nullable=False, comment="type/digest of the concurrency key"),
        sa.Column("concurrency_key", text(255)),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("labels", JsonText(), nullable=False, comment="for display; task_labels is searched"),
        sa.Column("expires_at", Moment()),
        sa.Column("timeout", sa.Double(), comment="seconds"),
        sa.Column("max_attempts", sa.SmallInteger()),
        sa.Column("callback_url", text(2000)),
        sa.Column("submitted_by", ascii_text(36), comment="id of the API key"),
        sa.Column("attempt_count", sa.Integer(), nullable=False, comment="the fence: never goes down"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("deferrals", sa.Integer(), nullable=False),
        sa.Column("deferred_since", Moment()),
        sa.Column("worker_id", ascii_text(36)),
        sa.Column("claim_token", ascii_text(36)),
        sa.Column("queued_at", Moment()),
        sa.Column("started_at", Moment(), comment="of the latest attempt"),
        sa.Column("finished_at", Moment()),
        sa.Column("cancel_requested_at", Moment()),
        sa.Column("holds_slot", Flag(), comment="1: in flight, counts in every limit"),
        sa.Column("runner_state", JsonText()),
        sa.CheckConstraint(
            "status IN ('scheduled', 'pending', 'queued', 'processing', "
            "'awaiting_input', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_tasks_status"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('completed', 'failed', 'cancelled') OR (holds_slot IS NULL AND finished_at IS NOT NULL)",
            name=op.f("ck_tasks_ended"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('queued', 'processing') OR (holds_slot IS NOT NULL AND worker_id IS NOT NULL)",
            name=op.f("ck_tasks_in_flight"),
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="What people submit",
        **MYSQL,
    )
    op.create_index("ix_tasks_held", "tasks", ["holds_slot", "lane", "worker_id", "crashes"])
    op.create_index("ix_tasks_lane", "tasks", ["status", "lane", "sort_at"])
    op.create_index("ix_tasks_wake", "tasks", ["wake_at"])
    op.create_index("ix_tasks_worker", "tasks", ["worker_id", "status"])
    op.create_table(
        "workers",
        sa.Column("id", ascii_text(36), nullable=False, comment="one incarnation of a process"),
        sa.Column("name", text(255), nullable=False),
        sa.Column("address", text(255), nullable=False, comment="the queue only it reads"),
        sa.Column("queues", JsonText(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("ahead", sa.Integer(), nullable=False),
        sa.Column("version", ascii_text(32), nullable=False),
        sa.Column("status", ascii_text(16), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=False),
        sa.CheckConstraint("status IN ('live', 'draining', 'left', 'dead')", name=op.f("ck_workers_status")),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.execute("INSERT INTO leaders (name, epoch, config_version) VALUES ('dispatcher', 0, 0)")


def downgrade() -> None:

    op.drop_table("workers")
    op.drop_index("ix_tasks_worker", table_name="tasks")
    op.drop_index("ix_tasks_wake", table_name="tasks")
    op.drop_index("ix_tasks_lane", table_name="tasks")
    op.drop_index("ix_tasks_held", table_name="tasks")
    op.drop_table("tasks")
    op.drop_table("task_types")
    op.drop_table("task_totals")
    op.drop_index("ix_task_logs_task", table_name="task_logs")
    op.drop_table("task_logs")
    op.drop_index("ix_task_labels_task", table_name="task_labels")
    op.drop_table("task_labels")
    op.drop_table("leaders")
    op.drop_index("ix_idempotency_keys_created", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("connections")
    op.drop_table("attempts")
    op.drop_table("api_keys")
