"""Clients that do not give up: a request is repeated, under the same keys, until it is accepted."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import aiohttp

from faults.chaos.ground import Ground
from faults.chaos.pace import Pace
from faults.chaos.plan import Parcel, Wanted

GIVES_UP_AFTER = 10.0
"""Seconds a client waits for an answer before it tries another service."""
LONGEST_PAUSE = 2.0
PATIENCE = 400.0
"""Seconds a request is repeated for: longer than any fault lasts."""


class Clients:
    """Submits what the plan says, and remembers every answer."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.accepted: dict[int, str] = {}
        """Task ids by the number of the task wanted."""
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        """Answers that no client should get."""
        self.slowest = 0.0
        self.ids: defaultdict[int, set[str]] = defaultdict(set)
        """All ids that were ever answered for a number: one, if keys do what they should."""
        self.replayed = 0
        self._ground = ground
        self._chance = random.Random(seed)

    async def run(self, parcels: Sequence[Parcel], pace: Pace) -> None:
        """Submit as planned; returns when everything was accepted."""
        timeout = aiohttp.ClientTimeout(total=GIVES_UP_AFTER)
        async with self._ground.api(timeout=timeout) as api, asyncio.TaskGroup() as group:
            for parcel in parcels:
                await pace.until(parcel.at)
                group.create_task(self._submit(api, parcel))
                if parcel.twice:
                    group.create_task(self._submit(api, parcel))

    async def _submit(self, api: aiohttp.ClientSession, parcel: Parcel) -> None:
        deadline = time.monotonic() + PATIENCE
        pause = 0.1
        while time.monotonic() < deadline:
            wait = await self._try(api, parcel)
            if wait is None:
                return
            await asyncio.sleep(min(max(wait, pause), LONGEST_PAUSE))
            pause = min(pause * 2, LONGEST_PAUSE)
        self.wrong.append(f"tasks {[task.number for task in parcel.tasks]} were not accepted in {PATIENCE:.0f} s")

    async def _try(self, api: aiohttp.ClientSession, parcel: Parcel) -> float | None:
        """None once it was accepted; otherwise seconds to wait before the next try."""
        url = f"{self._chance.choice(self._ground.services).url}/api/v1/tasks"
        began = time.monotonic()
        try:
            async with _request(api, url, parcel.tasks) as answer:
                self.answers[str(answer.status)] += 1
                if answer.status == 202:
                    self._note(parcel.tasks, await answer.json())
                    return None
                return await self._refused(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.answers[type(error).__name__] += 1
            return 0.0
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)

    async def _refused(self, answer: aiohttp.ClientResponse) -> float:
        after = answer.headers.get("Retry-After")
        if answer.status != 503 or after is None:
            self.wrong.append(f"{answer.status}, Retry-After {after}: {(await answer.text())[:500]}")
        return float(after or 0)

    def _note(self, tasks: Sequence[Wanted], document: Any) -> None:
        answered = [item["task"] for item in document["items"]] if "items" in document else [document]
        self.replayed += sum(item["status"] == "replayed" for item in document.get("items", ()))
        for task, told in zip(tasks, answered, strict=True):
            self.accepted[task.number] = told["id"]
            self.ids[task.number].add(told["id"])


def _request(api: aiohttp.ClientSession, url: str, tasks: Sequence[Wanted]) -> Any:
    if len(tasks) == 1:
        return api.post(url, json=tasks[0].body(), headers={"Idempotency-Key": tasks[0].idempotency_key})
    bodies = [{**task.body(), "idempotency_key": task.idempotency_key} for task in tasks]
    return api.post(f"{url}/batch", json=bodies)
