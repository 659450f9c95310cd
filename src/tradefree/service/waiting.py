"""``Prefer: wait=N`` (RFC 7240): hold an answer until the task has ended, N seconds at the most."""

from __future__ import annotations

import asyncio
import re

from tradefree.errors import StorageUnavailable
from tradefree.service.context import System
from tradefree.service.news import listening
from tradefree.tasks.task import Task

LONGEST_WAIT = 60
"""Seconds; proxies cut longer ones off."""
REREAD = 1.0
"""Seconds between looks when no signal comes."""

_WAIT = re.compile(r"\s*wait\s*=\s*\"?(\d{1,6})\"?\s*", re.IGNORECASE)


def wished_wait(prefer: str | None) -> int | None:
    """The seconds a ``Prefer`` header asks for, cut to ``LONGEST_WAIT``; None if it does not. Others are ignored."""
    for preference in (prefer or "").split(","):
        if match := _WAIT.fullmatch(preference.partition(";")[0]):
            return min(int(match[1]), LONGEST_WAIT)
    return None


async def wait_until_ended(system: System, task_id: str, seconds: float, *, payloads: bool) -> Task | None:
    """The task once it has ended, or as it is after so many seconds; None if the database does not answer then.

    The task is stored already, so a database that goes away in the meantime is no reason to say that it failed.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    async with listening(system.signals, task_id) as news:
        while True:
            news.looked()
            try:
                task = await system.store.task(task_id, payloads=payloads)
            except StorageUnavailable:
                task = None
            left = deadline - loop.time()
            if left <= 0 or (task is not None and task.terminal):
                return task
            await news.until_moved(min(left, REREAD))
