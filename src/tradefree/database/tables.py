"""The tables. The founding names and columns are kept: tasks(id, type, status, input_data, output_data, error_message,
created_at, updated_at, …) and task_logs(id, task_id, level, message, created_at, …).

There are no foreign keys: the hot path would pay for them with locks, and every write goes through the stores.
"""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.database import backup_tables as backup_tables
from tradefree.database import console_tables as console_tables
from tradefree.database import event_tables as event_tables  # or a migration would not know them
from tradefree.database import source_tables as source_tables
from tradefree.database.columns import Flag, JsonText, Moment, Money, ascii_text, long_text, text
from tradefree.database.schema import MYSQL as MYSQL
from tradefree.database.schema import metadata as metadata
from tradefree.tasks.states import Status

_STATUSES = ", ".join(f"'{status.value}'" for status in Status)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", ascii_text(36), primary_key=True),
    sa.Column("type", ascii_text(63), nullable=False),
    sa.Column("status", ascii_text(16), nullable=False),
    sa.Column("input_data", JsonText),
    sa.Column("output_data", JsonText),
    sa.Column("error_code", ascii_text(64)),
    sa.Column("error_message", long_text()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("run_at", Moment, nullable=False),
    sa.Column("sort_at", Moment, nullable=False, comment="run_at - priority * 10 s; earlier runs first"),
    sa.Column("wake_at", Moment, comment="when the leader must look: due (scheduled) or expired (waiting)"),
    sa.Column("lane", ascii_text(96), nullable=False, comment="type/digest of the concurrency key"),
    sa.Column("concurrency_key", text(255)),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("labels", JsonText, nullable=False, comment="for display; task_labels is searched"),
    sa.Column("expires_at", Moment),
    sa.Column("timeout", sa.Double, comment="seconds"),
    sa.Column("max_attempts", sa.SmallInteger),
    sa.Column("callback_url", text(2000)),
    sa.Column("submitted_by", ascii_text(36), comment="id of the API key"),
    sa.Column("attempt_count", sa.Integer, nullable=False, comment="the fence: never goes down"),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("crashes", sa.Integer, nullable=False),
    sa.Column("deferrals", sa.Integer, nullable=False),
    sa.Column("deferred_since", Moment),
    sa.Column("worker_id", ascii_text(36)),
    sa.Column("claim_token", ascii_text(36)),
    sa.Column("queued_at", Moment),
    sa.Column("started_at", Moment, comment="of the latest attempt"),
    sa.Column("finished_at", Moment),
    sa.Column("cancel_requested_at", Moment),
    sa.Column("holds_slot", Flag, comment="1: in flight, counts in every limit"),
    sa.Column("runner_state", JsonText),
    sa.Column("question", JsonText, comment="what a person is asked, and the answer"),
    sa.Column("answer_by", Moment),
    sa.Column("event_id", ascii_text(36), comment="the event that made it"),
    sa.Column("traceparent", ascii_text(55), comment="W3C trace context"),
    sa.CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    sa.CheckConstraint(
        "status NOT IN ('queued', 'processing') OR (holds_slot IS NOT NULL AND worker_id IS NOT NULL)", name="in_flight"
    ),
    sa.CheckConstraint(
        "status NOT IN ('completed', 'failed', 'cancelled') OR (holds_slot IS NULL AND finished_at IS NOT NULL)",
        name="ended",
    ),
    sa.Index("ix_tasks_lane", "status", "lane", "sort_at"),
    sa.Index("ix_tasks_held", "holds_slot", "lane", "worker_id", "crashes"),
    sa.Index("ix_tasks_worker", "worker_id", "status", "cancel_requested_at"),
    sa.Index("ix_tasks_wake", "wake_at"),
    sa.Index("ix_tasks_status", "status", "id"),
    sa.Index("ix_tasks_type", "type", "id"),
    sa.Index("ix_tasks_submitter", "submitted_by", "id"),
    sa.Index("ix_tasks_finished", "finished_at", "id"),
    comment="What people submit",
    **MYSQL,
)

task_labels = sa.Table(
    "task_labels",
    metadata,
    sa.Column("digest", ascii_text(64), primary_key=True, comment="SHA-256 of name, NUL, value"),
    sa.Column("task_id", ascii_text(36), primary_key=True),
    sa.Column("value", text(255), nullable=False, comment="for searching by a part of it"),
    sa.Index("ix_task_labels_task", "task_id"),
    **MYSQL,
)

task_logs = sa.Table(
    "task_logs",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("task_id", ascii_text(36), nullable=False),
    sa.Column("level", ascii_text(8), nullable=False),
    sa.Column("message", long_text(), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("event", ascii_text(64), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("data", JsonText),
    sa.Index("ix_task_logs_task", "task_id", "id"),
    sqlite_autoincrement=True,
    **MYSQL,
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("task_id", ascii_text(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("worker_id", ascii_text(36)),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("outcome", ascii_text(16)),
    sa.Column("error_code", ascii_text(64)),
    sa.Column("error_message", long_text()),
    sa.Column("total_tokens", sa.BigInteger),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("completion_tokens", sa.BigInteger),
    sa.Column("price", Money),
    sa.Column("currency", ascii_text(8)),
    sa.Column("elapsed", sa.Double, comment="seconds, as the upstream counted them"),
    sa.Column("runner_state", JsonText),
    **MYSQL,
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("digest", ascii_text(64), primary_key=True, comment="SHA-256 of submitter, NUL, key"),
    sa.Column("request_hash", ascii_text(64), nullable=False),
    sa.Column("task_id", ascii_text(36), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_idempotency_keys_created", "created_at"),
    **MYSQL,
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", ascii_text(36), primary_key=True, comment="one incarnation of a process"),
    sa.Column("name", text(255), nullable=False),
    sa.Column("address", text(255), nullable=False, comment="the queue only it reads"),
    sa.Column("queues", JsonText, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("ahead", sa.Integer, nullable=False),
    sa.Column("pressure", JsonText, comment="what it has seen of each connection since it began"),
    sa.Column("version", ascii_text(32), nullable=False),
    sa.Column("status", ascii_text(16), nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("lease_until", Moment, nullable=False),
    sa.CheckConstraint("status IN ('live', 'draining', 'left', 'dead')", name="status"),
    **MYSQL,
)

leaders = sa.Table(
    "leaders",
    metadata,
    sa.Column("name", ascii_text(32), primary_key=True),
    sa.Column("holder", ascii_text(64)),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("lease_until", Moment),
    sa.Column("config_version", sa.BigInteger, nullable=False, comment="raised by every change of a definition"),
    sa.Column(
        "protocol", sa.Integer, nullable=False, server_default=sa.text("1"), comment="versions that may work together"
    ),
    sa.Column("oldest", ascii_text(32), comment="a version that needs this schema or a later one may start"),
    **MYSQL,
)

task_types = sa.Table(
    "task_types",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    **MYSQL,
)

connections = sa.Table(
    "connections",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("kind", ascii_text(32), nullable=False),
    sa.Column("base_url", text(500), nullable=False),
    sa.Column("sealed_api_key", ascii_text(2000), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
    sa.Column("options", JsonText, nullable=False),
    sa.Column("limits", JsonText, comment="caps and whether its ceiling is learnt"),
    sa.Column("updated_at", Moment, nullable=False),
    **MYSQL,
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", ascii_text(36), primary_key=True),
    sa.Column("name", text(255), nullable=False),
    sa.Column("hint", ascii_text(16), nullable=False),
    sa.Column("secret_hash", ascii_text(64), nullable=False, unique=True, comment="SHA-256 of the key"),
    sa.Column("scopes", JsonText, nullable=False),
    sa.Column("task_types", JsonText),
    sa.Column("own_only", Flag),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("last_used_at", Moment),
    **MYSQL,
)

task_totals = sa.Table(
    "task_totals",
    metadata,
    sa.Column("type", ascii_text(63), primary_key=True),
    sa.Column("status", ascii_text(16), primary_key=True),
    sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False, comment="spreads writers over rows"),
    sa.Column("number", sa.BigInteger, nullable=False),
    comment="How many tasks have ended, by type and status; a retry takes its task out again",
    **MYSQL,
)

limits = sa.Table(
    "limits",
    metadata,
    sa.Column("scope", ascii_text(160), primary_key=True, comment="queue:default, limit:NAME, lane:TYPE/DIGEST, ..."),
    sa.Column("baseline", JsonText, comment="as defined; of types and connections it stands with them"),
    sa.Column("override", JsonText, comment="as somebody changed it while the system ran"),
    sa.Column("updated_at", Moment, nullable=False),
    **MYSQL,
)

limit_windows = sa.Table(
    "limit_windows",
    metadata,
    sa.Column("scope", ascii_text(160), primary_key=True),
    sa.Column("state", sa.BigInteger, nullable=False, comment="when the next start is due, microseconds since 1970"),
    comment="Rates: written by the leader in the round that admits",
    **MYSQL,
)

limit_refunds = sa.Table(
    "limit_refunds",
    metadata,
    sa.Column("lane", ascii_text(96), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, comment="starts that were counted and never began"),
    **MYSQL,
)

limit_ceilings = sa.Table(
    "limit_ceilings",
    metadata,
    sa.Column("connection", ascii_text(63), primary_key=True),
    sa.Column("document", JsonText, nullable=False, comment="what was learnt of it"),
    **MYSQL,
)

backlog_locks = sa.Table(
    "backlog_locks",
    metadata,
    sa.Column("scope", ascii_text(160), primary_key=True, comment="locked while the waiting tasks of it are counted"),
    **MYSQL,
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("document", JsonText, nullable=False, comment="where to, and which tasks"),
    sa.Column("sealed_secrets", ascii_text(2000), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
    sa.Column("paused", JsonText, comment="by whom, when, why"),
    sa.Column("failures", sa.Integer, nullable=False, comment="since the last success"),
    sa.Column("failing_since", Moment),
    sa.Column("last_success_at", Moment),
    sa.Column("last_failure_at", Moment),
    sa.Column("last_error", text(500)),
    sa.Column("updated_at", Moment, nullable=False),
    comment="Who is told about which tasks",
    **MYSQL,
)

installation_secrets = sa.Table(
    "installation_secrets",
    metadata,
    sa.Column("name", ascii_text(63), primary_key=True),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("sealed_secrets", ascii_text(2000), nullable=False, comment="encrypted with TRADEFREE_SECRET_KEY"),
    **MYSQL,
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", ascii_text(36), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", text(255), nullable=False),
    sa.Column("action", ascii_text(64), nullable=False),
    sa.Column("target", text(255), nullable=False),
    sa.Column("detail", JsonText, nullable=False),
    sa.Index("ix_audit_target", "target", "id"),
    sa.Index("ix_audit_actor", "actor", "id"),
    sa.Index("ix_audit_action", "action", "id"),
    comment="Who changed what",
    **MYSQL,
)
