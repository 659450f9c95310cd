"""Rounds of the dispatcher beside a backlog of any size, timed one by one in this process."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tradefree.access.secrets import SecretBox
from tradefree.clock import SystemClock
from tradefree.database.migrate import upgrade
from tradefree.database.store import SqlStore
from tradefree.tasks.admit import Admission
from tradefree.tasks.book import Book
from tradefree.tasks.task import Worker
from tradefree.tasks.types import TaskType

TYPE = TaskType.model_validate(
    {"name": "work", "runner": "echo", "concurrency": {"max_running": 400, "max_running_per_key": 300}}
)
AT_ONCE = 200
"""Places that are free in each round."""
ROUNDS = 40
_FILL = """
INSERT INTO tasks (id, type, status, input_data, created_at, updated_at, run_at, sort_at, lane, priority, labels,
                   attempt_count, failures, crashes, deferrals)
SELECT CONCAT('00000000-0000-7000-8000-', LPAD(HEX(seq), 12, '0')), 'work', 'pending', '{}', :now, :now, :now,
       :now + INTERVAL seq MICROSECOND, CONCAT('work/', LPAD(HEX(seq MOD :lanes), 32, '0')), 0, '{}', 0, 0, 0, 0
FROM seq_1_to_%d
"""
_END = """
UPDATE tasks SET status = 'completed', holds_slot = NULL, worker_id = NULL, finished_at = UTC_TIMESTAMP(6)
WHERE holds_slot = 1
"""


async def admissions(url: str, number: int, lanes: int) -> dict[str, Any]:
    """Seconds and admitted tasks of each round; the database has so many waiting tasks in so many lanes."""
    clock = SystemClock()
    store = SqlStore(sa.make_url(url), clock, SecretBox("vq4rkXxTrwZ3TnZbm8kyPHmuGYy0EdVTnWoy2PYzQ5o="))
    await upgrade(store.database)
    wanted = max(number, AT_ONCE * (ROUNDS + 1))
    values = {"now": datetime.now(UTC).replace(tzinfo=None), "lanes": lanes}
    patient = create_async_engine(url)  # filling takes longer than the system would wait
    async with patient.begin() as connection:
        await connection.execute(sa.text(_FILL % wanted), values)
        await connection.execute(sa.text("ANALYZE TABLE tasks"))
    now = clock.now()
    await store.enlist(Worker("w", "w", "q", ("default",), AT_ONCE, "1", now, now), 3600.0)
    epoch = await store.lead("bench", 600.0)
    assert epoch is not None
    admission = Admission()
    admission.configure(Book({TYPE.name: TYPE}))
    began = time.monotonic()
    admission.hear(await store.waiting_lanes())
    heard = time.monotonic() - began
    seconds: list[float] = []
    admitted: list[int] = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        async with store.round("bench", epoch, 600.0) as round_:
            result = await admission.run(round_, clock.now())
        seconds.append(time.monotonic() - began)
        admitted.append(sum(map(len, result.by_worker.values())))
        async with patient.begin() as connection:
            await connection.execute(sa.text(_END))
    await patient.dispose()
    await store.close()
    return {
        "kind": "admission",
        "waiting": number,
        "lanes": lanes,
        "heard": heard,
        "seconds": seconds[1:],
        "admitted": admitted[1:],
    }
