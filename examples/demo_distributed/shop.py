"""The shop: submits the tasks over HTTP, as a business system would that has heard of idempotency keys."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import aiohttp

from demo_distributed.work import Doc, Work
from tradefree.errors import TradefreeError

AT_ONCE = 8
"""Requests under way together."""
TRICKLE = 0.8
"""Share of the work's time over which the second half of the tasks comes in."""
PAUSE = 0.2
"""Seconds before a request that got no answer is repeated."""
PATIENCE = 2.0
"""Seconds a service has to answer."""
AVOID = 2.0
"""Seconds for which a service that gave no answer is passed over, as a load balancer does."""


class Shop:
    """Asks the services in turn; a request that gets no answer is sent again, under the same key, to the other one."""

    def __init__(self, http: aiohttp.ClientSession, urls: Sequence[str], work: Work) -> None:
        self.accepted: dict[int, str] = {}
        """Number of the task in the work → id."""
        self.answers: Counter[str] = Counter()
        """``accepted``, ``repeated`` (no answer: sent again), ``replayed`` (it had been stored before)."""
        self._http = http
        self._work = work
        self._free_at = dict.fromkeys(urls, 0.0)
        """When each service may be asked again (monotonic)."""
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def submit_all(self, lasts: float) -> None:
        """Half of the tasks at once, the others evenly over most of ``lasts`` seconds."""
        tasks = list(enumerate(self._work.tasks))
        half = len(tasks) // 2
        pause = TRICKLE * lasts / max(1, len(tasks) - half)
        async with asyncio.TaskGroup() as group:
            for number, body in tasks[:half]:
                group.create_task(self._submit(number, body))
            for number, body in tasks[half:]:
                await asyncio.sleep(pause)
                group.create_task(self._submit(number, body))

    async def _submit(self, number: int, body: Doc) -> None:
        async with self._slots:
            while not await self._try(number, body):
                self.answers["repeated"] += 1
                await asyncio.sleep(PAUSE)

    async def _try(self, number: int, body: Doc) -> bool:
        """True if the task is accepted, False if nobody knows."""
        url = self._next()
        headers = {"Idempotency-Key": f"shop-{number}"}
        limit = aiohttp.ClientTimeout(PATIENCE)
        try:
            async with self._http.post(f"{url}/api/v1/tasks", json=body, headers=headers, timeout=limit) as answer:
                document = await answer.json()
                if answer.status >= 500:
                    return self._avoid(url)
                if answer.status not in (200, 202):
                    raise TradefreeError(f"a task was refused: {document}")
                self.answers["accepted"] += 1
                self.answers["replayed"] += "Idempotency-Replayed" in answer.headers
                self.accepted[number] = str(document["id"])
                return True
        except (aiohttp.ClientError, TimeoutError):
            return self._avoid(url)

    def _next(self) -> str:
        """The service that has been free for the longest time."""
        url = min(self._free_at, key=self._free_at.__getitem__)
        self._free_at[url] = max(self._free_at[url], time.monotonic())
        return url

    def _avoid(self, url: str) -> bool:
        self._free_at[url] = time.monotonic() + AVOID
        return False
