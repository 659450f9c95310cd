"""Submit: idempotency keys, tasks, labels and first log lines, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.rows import TASK_WITH_INPUT, to_task
from tradefree.database.stores.backlog import find_room, take_room
from tradefree.database.stores.inserting import insert_tasks
from tradefree.database.tables import idempotency_keys, tasks
from tradefree.errors import BacklogFull, IdempotencyMismatch, TooLarge
from tradefree.ids import digest
from tradefree.tasks.ports import Accepted, Submission
from tradefree.tasks.task import Task


class SubmittingStore:
    """Stores what people submit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def submit(self, submissions: Sequence[Submission]) -> list[Accepted | Exception]:
        """See ``ports.SubmitStore``. One that is too large for the server is found by halving, and fails alone."""
        try:
            return await self._submit(submissions, set())
        except TooLarge as error:
            if len(submissions) == 1:
                return [TooLarge(error.reason, field="input_data")]
            middle = len(submissions) // 2
            return [*await self.submit(submissions[:middle]), *await self.submit(submissions[middle:])]
        except IntegrityError:  # a repeat of what was committed, or somebody else was first with a key
            return await self._submit(submissions, await self._stored(submissions))

    async def _stored(self, submissions: Sequence[Submission]) -> set[str]:
        """The ids among these that are in the database already."""

        async def unit(connection: AsyncConnection) -> set[str]:
            ids = [submission.task.id for submission in submissions]
            return set((await connection.execute(sa.select(tasks.c.id).where(tasks.c.id.in_(ids)))).scalars())

        return await self._database.read(unit)

    async def _submit(self, submissions: Sequence[Submission], stored: set[str]) -> list[Accepted | Exception]:
        async def unit(connection: AsyncConnection) -> list[Accepted | Exception]:
            earlier = await self._earlier(connection, submissions)
            room = await find_room(self._database, connection, submissions)
            outcomes: list[Accepted | Exception] = []
            fresh: list[Submission] = []
            for submission in submissions:
                known = earlier.get(_key_digest(submission))
                if submission.task.id in stored:
                    outcomes.append(Accepted(submission.task))
                elif known is None and (full := take_room(submission, room)):
                    outcomes.append(BacklogFull(str(full.scope), full.most))
                elif known is None:
                    fresh.append(submission)
                    outcomes.append(Accepted(submission.task))
                    if submission.key is not None:
                        earlier[_key_digest(submission)] = (submission.request_hash, submission.task)
                else:
                    outcomes.append(_replay(submission, *known))
            await insert(self._database, connection, fresh)
            return outcomes

        return await self._database.write(unit)

    async def _earlier(
        self, connection: AsyncConnection, submissions: Sequence[Submission]
    ) -> dict[str | None, tuple[str, Task]]:
        """What was stored before under the keys of these submissions: request hash and task by key digest."""
        digests = [_key_digest(s) for s in submissions if s.key is not None]
        if not digests:
            return {}
        query = sa.select(idempotency_keys).where(idempotency_keys.c.digest.in_(digests))
        query = self._database.locked(by_index(query, idempotency_keys))
        found = (await connection.execute(query)).all()
        rows = await connection.execute(
            sa.select(*TASK_WITH_INPUT).where(tasks.c.id.in_([row.task_id for row in found]))
        )
        by_id = {row.id: to_task(row) for row in rows}
        return {row.digest: (row.request_hash, by_id[row.task_id]) for row in found if row.task_id in by_id}


def _key_digest(submission: Submission) -> str | None:
    if submission.key is None:
        return None
    return digest(f"{submission.task.submitted_by or ''}\0{submission.key}")


def _replay(submission: Submission, request_hash: str, task: Task) -> Accepted | Exception:
    if request_hash != submission.request_hash:
        return IdempotencyMismatch("was used before with another request", field="Idempotency-Key")
    return Accepted(task, replayed=True)


async def insert(database: Database, connection: AsyncConnection, fresh: Sequence[Submission]) -> None:
    """Store tasks that are not there yet, with their labels, keys and first log lines."""
    if not fresh:
        return
    keys: list[dict[str, Any]] = [
        {
            "digest": _key_digest(s),
            "request_hash": s.request_hash,
            "task_id": s.task.id,
            "created_at": s.task.created_at,
        }
        for s in fresh
        if s.key is not None
    ]
    await database.insert(connection, idempotency_keys, keys)
    await insert_tasks(database, connection, [s.task for s in fresh])
