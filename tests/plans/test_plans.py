"""With a million tasks, every statement that runs often uses the index it should, and reads no more than it must.

The plan is what the server says before; what it reads is counted while it executes, so that no estimate is believed.
SQLite's planner does not look at numbers of rows, so it gets fewer of them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from plans import filling, hot
from plans.watching import Seen, Step, Watch
from private_servers import DATABASES, database_on
from tradefree.access.secrets import SecretBox, new_key
from tradefree.database.migrate import upgrade
from tradefree.database.store import SqlStore
from tradefree.database.stores.following import MANY, SOME
from tradefree.tasks.suggest import NEWEST
from tradefree.testing.clock import FrozenClock

BIG = {
    "tasks",
    "task_logs",
    "task_labels",
    "attempts",
    "idempotency_keys",
    "events",
    "event_decisions",
    "audit",
    "hold_stretches",
}
READS_EVERYTHING = {"ALL", "index", "SCAN"}
N = hot.BATCH
IN_FLIGHT = filling.ODD - filling.ON_WORKER + 20
FULL_PAGE = 6 * hot.PAGE
"""Ids from the index, the same in a temporary table, their rows, and sorting these."""
ALL_TYPES = 6000
"""SQLite finds all types by walking an index from end to end; the others hop from one to the next."""
TRIALS = 5 * 1000
"""Two indexes tried for a thousand rows each, temporary tables included."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How an act must read the big tables."""

    keys: set[str]
    reads: int
    """At most so many rows and index entries."""
    sqlite: set[str] | None = None
    """The keys on SQLite, where they are others."""
    sqlite_reads: int | None = None
    """Hundreds of instructions on SQLite, where that many must be."""
    scans: bool = False
    """It may walk an index, in its order, until it has what it needs."""


def keys(*names: str) -> set[str]:
    """``id`` is the primary key of the tasks; others are the tail of an index's name, or in full."""
    return {"tasks.PRIMARY" if n == "id" else n if "." in n else f"tasks.ix_tasks_{n}" for n in names}


LINES = "task_logs.PRIMARY"
LABELS, KEYS, LOGS = "task_labels.PRIMARY", "idempotency_keys.PRIMARY", "task_logs.ix_task_logs_task"
LABEL_OF = "task_labels.ix_task_labels_task"

STRETCHES = "hold_stretches.PRIMARY"
OF_A_TASK = ("id", "attempts.PRIMARY", LOGS, LABEL_OF, "idempotency_keys.ix_idempotency_keys_created")

EVENT, DECIDED = "events.PRIMARY", "event_decisions.PRIMARY"
DIGEST, BY_TRIGGER = "events.uq_events_digest", "event_decisions.ix_event_decisions_trigger"

ACTS = {
    "submit": Expected(keys(KEYS), 2 * N, sqlite=keys(KEYS, "id"), sqlite_reads=10 * N),
    "submit again": Expected(keys(KEYS, "id"), 3 * N),
    "lead": Expected(set(), 5),
    "waiting lanes": Expected(keys("lane"), 3 * 115_000),
    "next due": Expected(set(), 2, sqlite=keys("wake")),
    "wake due": Expected(keys("wake", "id"), 2000),
    "expired": Expected(keys("wake"), 1000),
    "held": Expected(keys("held"), IN_FLIGHT + 1),
    "workers": Expected(set(), 210),
    "unaccounted": Expected(keys("held"), IN_FLIGHT + 100),
    "heads of one lane": Expected(keys("lane"), 3 * 50),
    "heads of 200 lanes, one each": Expected(keys("lane", "id"), 200 * 5),
    "heads of 200 lanes": Expected(keys("lane"), 200 * 4 * 4),
    "admit": Expected(keys("id"), 6 * N),
    "beat": Expected(keys("worker"), 4 * N),
    "claim": Expected(keys("id"), 6 * N),
    "save states": Expected(keys("id"), 6 * N),
    "save states of one that is gone": Expected(keys("id"), 8 * N),
    "append logs": Expected(set(), N),
    "finish and tell": Expected(keys("id"), N),
    "deliveries of a task": Expected(keys(LABELS, "id"), 10),
    "deliveries of a subscription": Expected(keys(LABELS, "type", "id"), TRIALS + 4 * FULL_PAGE),
    "finish as believed": Expected(keys("id"), 6 * N),
    "finish": Expected(keys("id"), 7 * N),
    "lapsed": Expected(set(), 210),
    "live count": Expected(set(), 210),
    "orphans": Expected(keys("worker", "lane"), 2000, sqlite=keys("worker", "status")),
    "gone workers": Expected(set(), 210),
    "forget workers": Expected(keys("worker"), 800),
    "task": Expected(keys("id"), 2),
    "attempts": Expected({"attempts.PRIMARY"}, 5),
    "logs": Expected({LOGS}, 20),
    "logs of a level": Expected({LOGS}, 20),
    "numbers of a status and a type": Expected(keys("status", "type", "id"), TRIALS + 10 * FULL_PAGE),
    "the newest line": Expected(set(), 2, sqlite={"task_logs.None"}),
    "what moves": Expected(keys("id", "task_logs.PRIMARY"), 5 * hot.PAGE),
    "what happened": Expected(keys("id", "task_logs.PRIMARY", "attempts.PRIMARY"), 3000),
    "keep stretches": Expected(set(), 3 * N, sqlite_reads=10 * N),
    "stretches of an hour": Expected(keys(STRETCHES), 4 * 180),
    "stretches that go on": Expected(keys("hold_stretches.ix_hold_stretches_ended"), 3 * N),
    "old stretches": Expected(keys("hold_stretches.ix_hold_stretches_ended"), 3 * N),
    "the line of a moment": Expected({"task_logs.PRIMARY"}, 50, sqlite={"task_logs.None", "task_logs.PRIMARY"}),
    "lines of all tasks": Expected(keys("id", LINES), MANY + 5 * hot.PAGE),
    "lines of a time": Expected(keys("id", LINES), 2 * MANY, sqlite=keys("id", LINES, "task_logs.None")),
    "lines that nobody wrote": Expected(keys("id", LINES), 2 * MANY + 10),
    "lines of a type": Expected(keys("id", LINES), 3 * SOME),
    "counts": Expected(keys("lane"), 170_000),
    "next wake": Expected(set(), 2),
    "raise a run": Expected(keys(), 10 * N, sqlite=keys(EVENT)),
    "due schedules": Expected(keys("id", DECIDED), 4 * N),
    "prune tasks": Expected(keys("type", *OF_A_TASK), 30 * N, sqlite=keys("type", *OF_A_TASK, KEYS)),
    "old tasks": Expected(keys("status", *OF_A_TASK), 40 * N, sqlite=keys("status", *OF_A_TASK, KEYS)),
    "all workers": Expected(keys("worker"), 2 * IN_FLIGHT),
}

EVENTS = {
    "take events": Expected(keys(DIGEST), 3 * N, sqlite=keys(EVENT), sqlite_reads=10 * N),
    "take events again": Expected(keys(DIGEST, DECIDED), 8 * N, sqlite=keys(EVENT, DECIDED)),
    "event": Expected(keys(EVENT), 2),
    "tasks of an event": Expected(keys(DECIDED, "id"), 6),
    "decisions of a page": Expected(keys(DECIDED), 4 * hot.PAGE),
    "decisions of a trigger": Expected(keys(BY_TRIGGER), 5 * hot.PAGE),
}
HAPPENED = {
    "everything": Expected(keys(EVENT), 3 * hot.PAGE, scans=True),
    "a type": Expected(keys("events.ix_events_type"), 3 * hot.PAGE),
    "a type no event has": Expected(keys("events.ix_events_type"), 10),
    "types with a beginning": Expected(keys(EVENT), 3 * hot.PAGE, scans=True),
    "a receiver": Expected(keys("events.ix_events_receiver"), 3 * hot.PAGE),
    "since a moment": Expected(keys(EVENT), 3 * hot.PAGE),
    "a type in a period": Expected(keys("events.ix_events_type"), 3 * hot.PAGE),
}

LISTS = {
    "everything": Expected(keys("id"), FULL_PAGE, scans=True),
    "a status": Expected(keys("status", "id"), FULL_PAGE),
    "a status most tasks have": Expected(keys("status", "id"), FULL_PAGE),
    "a status few tasks have": Expected(keys("status", "id"), FULL_PAGE),
    "two statuses": Expected(keys("status", "id"), 2 * FULL_PAGE),
    "a type": Expected(keys("type", "id"), FULL_PAGE),
    "a type few tasks have": Expected(keys("type", "id"), FULL_PAGE),
    "a type no task has": Expected(keys("type", "id"), 10),
    "three types": Expected(keys("type", "id"), 3 * FULL_PAGE),
    "a status and a type": Expected(keys("status", "type", "id"), TRIALS + 10 * FULL_PAGE),
    "a status and a rare type": Expected(keys("status", "type", "id"), TRIALS + FULL_PAGE),
    "what a caller may see": Expected(keys("status", "type", "id"), TRIALS + 10 * FULL_PAGE),
    "a key": Expected(keys("type", "lane", "id"), 3 * FULL_PAGE, scans=True, sqlite_reads=ALL_TYPES),
    "a key and its type": Expected(keys("lane", "type", "id"), TRIALS + 2 * FULL_PAGE),
    "a key nobody used": Expected(keys("type", "lane", "id"), 300, scans=True, sqlite_reads=ALL_TYPES),
    "a label": Expected(keys(LABELS, "id"), 2 * FULL_PAGE),
    "a label many have": Expected(keys(LABELS, "id"), 2 * FULL_PAGE),
    "a label and a status": Expected(keys(LABELS, "status", "id"), TRIALS + 20 * FULL_PAGE),
    "a submitter": Expected(keys("submitter", "id"), FULL_PAGE),
    "a submitter with many": Expected(keys("submitter", "id"), FULL_PAGE),
    "a submitter without any": Expected(keys("submitter", "id"), 10),
    "since a moment": Expected(keys("id"), FULL_PAGE),
    "before a moment": Expected(keys("id"), FULL_PAGE),
    "failures since a moment": Expected(keys("status", "id"), FULL_PAGE),
    "ended in an hour": Expected(keys("finished", "id"), FULL_PAGE),
    "ended since the beginning": Expected(keys("finished", "id"), FULL_PAGE + 10),
    "failed in an hour": Expected(keys("finished", "status", "id"), TRIALS + 40 * FULL_PAGE),
    "of a type, failed since the beginning": Expected(
        keys("finished", "status", "type", "id"),
        TRIALS + 400 * FULL_PAGE,
        sqlite=keys("finished", "status", "type", "lane", "id"),
    ),
    "of a rare type, ended since the beginning": Expected(keys("finished", "type", "id"), TRIALS + FULL_PAGE),
    "a text since a moment": Expected(keys("id", "task_labels.ix_task_labels_task"), 120_000),
}

KNOWN = {
    "of all": Expected(keys("id"), 6 * NEWEST, scans=True),
    "of a type": Expected(keys("type", "id"), 6 * NEWEST),
    "of what a caller may see": Expected(keys("type", "id"), 6 * NEWEST),
    "of a submitter": Expected(keys("submitter", "id"), 6 * NEWEST),
    "of a submitter's rare type": Expected(keys("submitter", "type", "id"), TRIALS),
}
TRAIL, BY_ACTOR, BY_ACTION = "audit.PRIMARY", "audit.ix_audit_actor", "audit.ix_audit_action"
TRAILS = {
    "everything": Expected({TRAIL}, FULL_PAGE, scans=True),
    "a target": Expected({TRAIL, "audit.ix_audit_target"}, FULL_PAGE),
    "an actor": Expected({TRAIL, BY_ACTOR}, FULL_PAGE),
    "an actor who did nothing": Expected({TRAIL, BY_ACTOR}, 10),
    "a kind": Expected({TRAIL, BY_ACTION}, 2 * FULL_PAGE),
    "a rare action": Expected({TRAIL, BY_ACTION}, FULL_PAGE),
    "a rare action of one who did much": Expected({TRAIL, BY_ACTION, BY_ACTOR}, TRIALS),
    "since a moment": Expected({TRAIL}, FULL_PAGE),
    "a kind in a period": Expected({TRAIL, BY_ACTION}, 2 * FULL_PAGE),
}

EXPECTED = (
    ACTS
    | EVENTS
    | {f"{page}: {name}": e for name, e in LISTS.items() for page in ("list", "next page")}
    | {f"known: {name}": e for name, e in KNOWN.items()}
    | {f"{page}: {name}": e for name, e in TRAILS.items() for page in ("trail", "next of trail")}
    | {f"{page}: {name}": e for name, e in HAPPENED.items() for page in ("events", "next events")}
)


# ── looking at it ───────────────────────────────────────────────────────────────────────────────────────────────────


def faults(seen: list[Seen], expected: Expected, kind: str) -> list[str]:
    """What is wrong with how an act reads the big tables, in words."""
    steps = [step for statement in seen for step in statement.plan if _table(step) in BIG]
    used = {f"{_table(step)}.{step.key}" for step in steps}
    wanted = expected.sqlite if kind == "sqlite" and expected.sqlite is not None else expected.keys
    found = [] if used == wanted else [f"reads by {sorted(used)}, should by {sorted(wanted)}"]
    found += [
        f"reads all of {step.table}: {step}"
        for step in steps
        if step.access in READS_EVERYTHING and not (expected.scans and step.key is not None)
    ]
    reads = sum(statement.reads for statement in seen)
    most = expected.sqlite_reads if kind == "sqlite" and expected.sqlite_reads is not None else expected.reads
    if reads > most:
        found.append(f"reads {reads}, should at most {most}")
    return found


def _table(step: Step) -> str:
    return re.sub(r"_\d+$", "", step.table)  # an alias


async def _watched(url: sa.URL) -> Watch:
    store = SqlStore(url, FrozenClock(filling.NOW), SecretBox(new_key()))
    store.database.time_is_the_clocks()
    watch = Watch()
    try:
        await upgrade(store.database)
        await filling.fill(url)
        with watch.open():
            await hot.act(store, watch)
            await _act_badly(store, watch)
    finally:
        await store.close()
    return watch


async def _act_badly(store: SqlStore, watch: Watch) -> None:
    """What must be found out."""

    async def look(connection: AsyncConnection) -> None:
        await connection.execute(sa.text("SELECT id FROM tasks WHERE priority = 7"))

    with watch.named("no index"):
        await store.database.read(look)


async def _drop(url: sa.URL) -> None:
    engine = create_async_engine(url.set(database=""))
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"DROP DATABASE {url.database}")
    await engine.dispose()


@asynccontextmanager
async def _empty(kind: str) -> AsyncIterator[sa.URL]:
    if kind == "sqlite":
        with TemporaryDirectory() as folder:
            yield sa.make_url(f"sqlite+aiosqlite:///{Path(folder) / 'plans.db'}")
        return
    url = sa.make_url(database_on(kind, "tradefree_plans"))
    try:
        yield url
    finally:
        await _drop(url)


# One test for each database: filling takes longer than all the rest. How long is up to the machine.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", *DATABASES])
async def test_every_act_reads_what_it_must_by_the_index_it_should(kind: str) -> None:
    async with _empty(kind) as url:
        watch = await _watched(url)
    assert set(watch.seen) == set(EXPECTED) | {"no index"}
    assert all(watch.seen.values()), "each sent something"
    assert not {name: said for name, e in EXPECTED.items() if (said := faults(watch.seen[name], e, kind))}
    _counted_in_the_index_alone(watch, kind)
    _bad_plans_are_found_out(watch, kind)


def _counted_in_the_index_alone(watch: Watch, kind: str) -> None:
    """How many places are held is asked for in every round."""
    (statement,) = watch.seen["held"]
    if kind != "sqlite":  # it does not say so beside the key
        assert [step for step in statement.plan if "Using index" not in step.extra] == []


def _bad_plans_are_found_out(watch: Watch, kind: str) -> None:
    said = faults(watch.seen["no index"], Expected(keys("id"), 1000), kind)
    assert len(said) == 3, said
    assert faults(watch.seen["claim"], Expected(keys("worker"), 6 * N), kind) != []
    assert faults(watch.seen["claim"], Expected(keys("id"), N // 2), kind) != []


def test_every_list_is_expected() -> None:
    assert set(LISTS) == set(hot.LISTS)
    assert set(HAPPENED) == set(hot.HAPPENED)
    assert set(KNOWN) == set(hot.KNOWN)
    assert set(TRAILS) == set(hot.TRAILS)
