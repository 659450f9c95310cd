"""Clients behind a load balancer, in a thread of their own."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from typing import Any, Self

import aiohttp

LOOK_EVERY = 0.2
"""Seconds between questions to ``/readyz``."""


class Balancer:
    """Goes where ``/readyz`` says 200, and elsewhere when a connection is refused. It repeats nothing else: whatever
    else goes wrong, a client sees."""

    def __init__(self, urls: Sequence[str], session: aiohttp.ClientSession) -> None:
        self.up = list(urls)
        self.errors: list[str] = []
        """What a client saw that it should not see."""
        self._urls = urls
        self._session = session
        self._turns = itertools.count()

    async def watch(self) -> None:
        """Look who is ready, for ever."""
        while True:
            self.up = [url for url in self._urls if await self._ready(url)]
            await asyncio.sleep(LOOK_EVERY)

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """The answer's document; None if there was an error."""
        turn, up = next(self._turns), self.up
        for number in range(len(up)):
            url = up[(turn + number) % len(up)]
            try:
                async with self._session.request(method, f"{url}{path}", **options) as answer:
                    if answer.status < 300:
                        return await answer.json()
                    self.errors.append(f"{method} {path}: {answer.status} {await answer.text()}")
                    return None
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, TimeoutError) as error:
                self.errors.append(f"{method} {path}: {error!r}")
                return None
        self.errors.append(f"{method} {path}: no service is up")
        return None

    async def _ready(self, url: str) -> bool:
        try:
            async with self._session.get(f"{url}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


class Load:
    """``with Load(…) as load``: clients that submit tasks and look at them without a pause worth the name."""

    def __init__(self, urls: Sequence[str], api_key: str, *, clients: int, pause: float) -> None:
        self.accepted: list[str] = []
        self.errors: list[str] = []
        self.up: list[str] = list(urls)
        self._urls, self._api_key, self._clients, self._pause = urls, api_key, clients, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._api_key}"}
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            balancer = Balancer(self._urls, session)
            self.errors = balancer.errors
            watching = asyncio.create_task(balancer.watch())
            async with asyncio.TaskGroup() as group:
                for number in range(self._clients):
                    group.create_task(self._client(balancer, number))
            watching.cancel()

    async def _client(self, balancer: Balancer, number: int) -> None:
        for turn in itertools.count():
            if self._stop.is_set():
                return
            body = {"type": "work", "input_data": {"client": number, "turn": turn}}
            task = await balancer.request(
                "POST", "/api/v1/tasks", json=body, headers={"Idempotency-Key": f"{number}-{turn}"}
            )
            if task is not None:
                self.accepted.append(task["id"])
                await balancer.request("GET", f"/api/v1/tasks/{task['id']}")
            self.up = balancer.up
            await asyncio.sleep(self._pause)
