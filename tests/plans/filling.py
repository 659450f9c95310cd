"""A million tasks in a database, quickly: the server makes them itself, a chunk with each statement.

One task was created each second. Most have ended; the newest hundred thousand wait in six thousand lanes; four thousand
are on workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tradefree.database.rows import label_digest
from tradefree.database.tables import metadata, tasks
from tradefree.tasks.task import lane_of

TASKS = 1_000_000
CHUNK = 50_000
"""Tasks made by one statement."""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first task was created."""
NOW = datetime.fromtimestamp(FIRST.timestamp() + TASKS, UTC)
"""Just after the last."""
LANES = 6_000
LABELS = 500
WORKERS, LOST = 40, 20
"""Workers alive, and dead ones that still have tasks."""
ON_WORKER = 870_000
"""The first task on a worker; four thousand are, each tenth not yet claimed."""
ODD = 874_000
"""From here: runs nobody has accounted for, then tasks that await a person."""
SQLITES_FIRST = 850_000
"""SQLite has only the tasks from this on: its plans do not depend on numbers, and it makes them slowly."""
WAITING = 880_000
"""The first that waits."""
RARE = "t-rare"
"""A type with few tasks, all of them old."""

Statement = tuple[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Words:
    """How a dialect says what the statements need."""

    moment: str
    """The moment so many seconds after the epoch, as it is stored."""
    hex: str
    """Twelve digits."""
    in_order: str
    """Joins tables in the order they are written in."""

    def text(self, *parts: str) -> str:
        """The parts as one text."""
        return f"CONCAT({', '.join(parts)})" if self is MYSQL else f"({' || '.join(parts)})"


MYSQL = Words("FROM_UNIXTIME({0})", "LPAD(LOWER(HEX({0})), 12, '0')", "STRAIGHT_JOIN")
SQLITE = Words("strftime('%Y-%m-%d %H:%M:%S.000000', {0}, 'unixepoch')", "printf('%012x', {0})", "CROSS JOIN")


def statements(dialect: str) -> Iterator[Statement]:
    """What fills a database that has nothing but tables, in order; each statement in a transaction of its own."""
    words = SQLITE if dialect == "sqlite" else MYSQL
    if words is MYSQL:
        yield "SET SESSION time_zone = '+00:00', sql_log_bin = 0, unique_checks = 0", ()
    yield from _indexes(dialect, "DROP")
    yield "CREATE TABLE fill_n (n INTEGER PRIMARY KEY)", ()
    yield "INSERT INTO fill_n VALUES (:n)", [{"n": n} for n in range(1000)]
    yield "CREATE TABLE fill_lane (n INTEGER PRIMARY KEY, type VARCHAR(63), lane VARCHAR(96), ckey VARCHAR(99))", ()
    yield "INSERT INTO fill_lane VALUES (:n, :type, :lane, :key)", [lane(n) for n in range(LANES)]
    yield "CREATE TABLE fill_label (n INTEGER PRIMARY KEY, digest CHAR(64), value VARCHAR(99))", ()
    yield "INSERT INTO fill_label VALUES (:n, :digest, :value)", [label(n) for n in range(LABELS)]
    yield _workers(words), ()
    for start in range(SQLITES_FIRST if words is SQLITE else 0, TASKS, CHUNK):
        yield _tasks(words, start), ()
    yield from _indexes(dialect, "ADD")
    for text in _around(words):
        yield text, ()
    for name in ("fill_n", "fill_lane", "fill_label"):
        yield f"DROP TABLE {name}", ()
    if words is MYSQL:
        yield f"ANALYZE TABLE {', '.join(metadata.tables)}", ()


def lane(number: int) -> dict[str, object]:
    """Some types have one lane without a key, most have thousands."""
    type_ = f"t-{number % 10}"
    key = None if number < 20 else f"customer {number}"
    return {"n": number, "type": type_, "lane": lane_of(type_, key), "key": key}


def label(number: int) -> dict[str, object]:
    """Each fifth label is the same, the others are on few tasks."""
    name, value = ("env", "prod") if number % 5 == 0 else ("order", str(number))
    return {"n": number, "digest": label_digest(name, value), "value": value}


def _indexes(dialect: str, verb: str) -> Iterator[Statement]:
    """The second indexes are made when the rows are there: three times faster."""
    if dialect == "sqlite":
        return
    parts = [
        f"{verb} INDEX {index.name}" + (f" ({', '.join(c.name for c in index.columns)})" if verb == "ADD" else "")
        for index in tasks.indexes
    ]
    yield f"ALTER TABLE tasks {', '.join(parts)}", ()


def _at(words: Words, seconds: str) -> str:
    return words.moment.format(f"{int(FIRST.timestamp())} + {seconds}")


def _id(words: Words, number: str) -> str:
    """The id of the task with this number: it carries the second the task was created in."""
    moment = words.hex.format(f"({int(FIRST.timestamp())} + {number}) * 1000")
    rest = words.hex.format(f"({number}) * 48271 % 2147483647")
    return words.text(f"SUBSTR({moment}, 1, 8)", "'-'", f"SUBSTR({moment}, 9)", "'-7000-8000-'", rest)


def _workers(words: Words) -> str:
    alive, dead = f"n < {WORKERS}", f"n < {WORKERS + LOST}"
    id_ = words.text("'worker-'", "n")
    return f"""
        INSERT INTO workers (id, name, address, queues, capacity, ahead, version, status, started_at, lease_until)
        SELECT {id_}, {id_}, {id_}, '["default"]', 200, 20, '0.1.0',
            CASE WHEN {alive} THEN 'live' WHEN {dead} THEN 'dead' ELSE 'left' END,
            {_at(words, "0")}, {_at(words, f"{TASKS} + CASE WHEN {alive} THEN 10 ELSE -3600 END")}
        FROM fill_n WHERE n < 200
    """


def _tasks(words: Words, start: int) -> str:
    """Numbered rows first, then what follows from the number and the status."""
    number = "a.n * 1000 + b.n"
    numbered = f"""
        SELECT {number} AS n, {_id(words, number)} AS id, l.type, l.lane, l.ckey,
            {_status("a.n * 1000", "b.n")} AS status
        FROM fill_n a {words.in_order} fill_n b {words.in_order} fill_lane l
            ON l.n = ({number}) * 16807 % 2147483647 % {LANES}
        WHERE a.n >= {start // 1000} AND a.n < {(start + CHUNK) // 1000}
    """
    rare = "n % 20000 = 1 AND status <> 'pending'"
    named = f"""
        SELECT n, id, status, ckey, status IN ('completed', 'failed', 'cancelled') AS ended,
            CASE WHEN {rare} THEN '{RARE}' ELSE type END AS type, CASE WHEN {rare} THEN '{RARE}/' ELSE lane END AS lane,
            CASE WHEN status = 'scheduled' THEN {TASKS} - 500 + n % 100000 ELSE n END AS due,
            CASE WHEN n % 10 = 0 THEN {TASKS} - 99 + n % 9999 END AS expires,
            CASE WHEN n >= {ON_WORKER} AND n < {ODD} + 20 THEN 1 END AS holds
        FROM ({numbered}) AS numbered
    """
    worker = words.text("'worker-'", f"(n % {WORKERS} + CASE WHEN n % 200 = 0 THEN {WORKERS} ELSE 0 END)")
    values = {
        "id": "id",
        "type": "type",
        "status": "status",
        "lane": "lane",
        "concurrency_key": "ckey",
        "input_data": """'{"order_id": 4711, "text": "What a customer wrote about it."}'""",
        "output_data": """CASE WHEN status = 'completed' THEN '{"text": "What the workflow made of it."}' END""",
        "error_code": "CASE WHEN status = 'failed' THEN 'upstream' END",
        "error_message": "CASE WHEN status = 'failed' THEN 'The upstream said no: 500.' END",
        "created_at": _at(words, "n"),
        "updated_at": _at(words, "n"),
        "run_at": _at(words, "due"),
        "sort_at": _at(words, "due"),
        "expires_at": _at(words, "expires"),
        "wake_at": f"CASE WHEN status = 'scheduled' THEN {_at(words, 'due')} "
        f"WHEN status = 'pending' AND holds IS NULL THEN {_at(words, 'expires')} END",
        "submitted_by": "CASE WHEN n % 1000 = 0 THEN 'few' WHEN n % 2 = 0 THEN 'many' END",
        "attempt_count": "CASE WHEN ended OR status = 'processing' THEN 1 ELSE 0 END",
        "worker_id": f"CASE WHEN status IN ('queued', 'processing') THEN {worker} END",
        "queued_at": f"CASE WHEN status = 'queued' THEN {_at(words, f'{TASKS} - 5')} END",
        "started_at": f"CASE WHEN status = 'processing' THEN {_at(words, f'{TASKS} - 5')} END",
        "finished_at": f"CASE WHEN ended THEN {_at(words, 'n + 60')} END",
        "holds_slot": "holds",
        "labels": "'{}'",
        "priority": "0",
        "failures": "0",
        "crashes": "0",
        "deferrals": "0",
    }
    return f"INSERT INTO tasks ({', '.join(values)}) SELECT {', '.join(values.values())} FROM ({named}) AS named"


def _status(thousands: str, rest: str) -> str:
    return f"""
        CASE WHEN {thousands} >= {WAITING} - 300000 AND {rest} % 20 = 7
                AND {thousands} NOT BETWEEN {ON_WORKER} AND {ODD} THEN 'scheduled'
             WHEN {thousands} >= {WAITING} THEN 'pending'
             WHEN {thousands} = {ODD} AND {rest} < 20 THEN 'pending'
             WHEN {thousands} = {ODD} AND {rest} < 300 THEN 'awaiting_input'
             WHEN {thousands} BETWEEN {ON_WORKER} AND {ODD} - 1 AND {rest} % 10 = 0 THEN 'queued'
             WHEN {thousands} BETWEEN {ON_WORKER} AND {ODD} - 1 THEN 'processing'
             WHEN {rest} % 33 = 0 THEN 'failed' WHEN {rest} % 101 = 0 THEN 'cancelled'
             ELSE 'completed' END
    """


def _around(words: Words) -> Iterator[str]:
    """What belongs to a hundred thousand tasks that have ended: logs, attempts, labels, keys; and the totals of all."""
    number = "a.n * 1000 + b.n"
    id_, at = _id(words, number), _at(words, number)
    digest = words.text(words.hex.format(f"({number}) * 48271 % 2147483647"), f"'{'0' * 52}'")
    source = f"FROM fill_n a {words.in_order} fill_n b"
    some = "WHERE a.n BETWEEN 770 AND 869"
    for level, message in (("info", "Accepted."), ("info", "Started."), ("debug", "Completed after 1.00 s.")):
        yield f"""
            INSERT INTO task_logs (task_id, level, message, created_at, event, attempt)
            SELECT {id_}, '{level}', '{message}', {at}, 'note', 1 {source} {some}
        """
    yield f"""
        INSERT INTO attempts (task_id, number, worker_id, started_at, finished_at, outcome)
        SELECT {id_}, 1, 'worker-1', {at}, {at}, 'completed' {source} {some}
    """
    yield f"""
        INSERT INTO idempotency_keys (digest, request_hash, task_id, created_at)
        SELECT {digest}, '{"0" * 64}', {id_}, {at}
        {source} {some}
    """
    yield f"""
        INSERT INTO task_labels (digest, task_id, value)
        SELECT l.digest, {id_}, l.value {source} {words.in_order} fill_label l ON l.n = ({number}) * 7 % {LABELS} {some}
    """
    yield f"""
        INSERT INTO events (id, digest, source, event_id, type, data, attributes, received_at, received_by)
        SELECT {id_}, {digest}, '/shop', {words.text("'e-'", number)},
            CASE WHEN b.n % 50 = 7 THEN 'order.paid' ELSE 'order.created' END, '{{"n": 1}}', '{{}}', {at},
            CASE WHEN b.n % 100 = 3 THEN 'key:few' ELSE 'key:many' END
        {source} {some}
    """
    for name in ("rule-a", "rule-b"):
        yield f"""
            INSERT INTO event_decisions
                (event_id, trigger_name, version, outcome, part, reason, conditions, task_id)
            SELECT {id_}, '{name}', 1, 'made', '', '', '[true]', {id_} {source} {some}
        """
    yield f"""
        INSERT INTO audit (id, at, actor, action, target, detail)
        SELECT {id_}, {at}, CASE WHEN ({number}) % 1000 = 0 THEN 'few' ELSE 'many' END,
            CASE WHEN ({number}) % 5000 = 7 THEN 'key.revoke' WHEN b.n % 3 = 0 THEN 'limit.change' ELSE 'type.put' END,
            {words.text("'type:t-'", "b.n % 10")}, '{{}}' {source} {some}
    """
    yield """
        INSERT INTO task_totals (type, status, shard, number)
        SELECT l.type, 'completed', s.n, 5000 FROM fill_lane l, fill_n s WHERE l.n < 10 AND s.n < 16
    """


async def fill(url: sa.URL) -> None:
    """Fill a database that has nothing but tables."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        for text, rows in statements(url.get_backend_name()):
            await connection.execute(sa.text(text), rows or None)
            await connection.commit()
    await engine.dispose()
