"""Each question of ``invariants`` finds what it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from backups.content import database_of, filled
from private_servers import DATABASES
from tradefree.backups.invariants import questions, require_sound
from tradefree.database.store import SqlStore
from tradefree.errors import BackupDamaged

CLEAN = (
    "DELETE FROM event_decisions",
    "DELETE FROM idempotency_keys",
    "DELETE FROM task_labels",
)


@pytest.fixture(params=("sqlite", *DATABASES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = await filled(await database_of(request.param, tmp_path))
    for statement in CLEAN:
        await run(store, statement)
    yield store
    await store.close()


async def run(store: SqlStore, statement: str) -> None:
    await store.database.write(lambda connection: connection.execute(sa.text(statement)))


FAULTS = {
    "DELETE FROM workers": "tasks in flight on a worker that is not known",
    "UPDATE task_logs SET task_id = 'x'": "rows of task_logs",
    "INSERT INTO attempts (task_id, number) VALUES ('x', 1)": "rows of attempts",
    "INSERT INTO task_labels VALUES ('x', 'x', 'x')": "rows of task_labels",
    "INSERT INTO idempotency_keys VALUES ('x', 'x', 'x', '2026-01-01 00:00:00.000000')": "rows of idempotency_keys",
    "UPDATE tasks SET attempt_count = 7 WHERE status = 'processing'": "1 tasks whose attempts are not all told",
    "UPDATE task_totals SET number = number + 1 WHERE status = 'completed'": "running totals that are not the number",
    "DELETE FROM task_totals WHERE type = 'again'": "running totals that are not the number",
    "INSERT INTO event_decisions (event_id, trigger_name, version, outcome, part, reason, conditions)"
    " VALUES ('x', 't', 1, 'no_match', '', '', '[]')": "decisions about events that are not there",
    "UPDATE leaders SET protocol = 1": "cannot be worked with",
    "DELETE FROM leaders": "cannot be worked with",
}


async def test_every_fault_is_found(store: SqlStore) -> None:
    assert await require_sound(store.database) == len(list(questions())) + 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_named(store: SqlStore, fault: str) -> None:
    await run(store, fault)
    with pytest.raises(BackupDamaged, match=FAULTS[fault]):
        await require_sound(store.database)
