"""How each fault is done. Every strike is written down with the moment it hit and the moment it was over."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from faults.chaos.ground import Ground, NotReady, down, ready, until
from faults.chaos.pace import Pace
from faults.chaos.plan import Fault
from faults.chaos.sockets import ports_of
from tradefree.testing.cluster import Node
from tradefree.testing.processes import Child
from tradefree.testing.servers import Server

STARTS_WITHIN = 400.0
"""Seconds for which a process is started again and again: longer than the database is ever away."""
LOOKS_ANEW = 0.12
"""Seconds after which InnoDB looks at its transactions anew, instead of saying what it saw last."""
TRIES = 20.0
"""Seconds for which the right moment is waited for (a leader inside a round, a worker that holds locks)."""


@dataclass(slots=True)
class Strike:
    """One fault as it happened; moments by the monotonic clock and, for the database's times, by the wall's."""

    kind: str
    target: str
    seconds: float
    at: float = 0.0
    wall: float = 0.0
    over: float = 0.0
    pid: int = 0
    well: float = 0.0
    """When what was struck worked again: a process that answers, a server that listens."""
    facts: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    """Why it could not be done, if it could not."""


class Striker:
    """Does what the plan says, and remembers who is struck already: one fault for each node and server at a time."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.strikes: list[Strike] = []
        self.calm = asyncio.Event()
        self._ground = ground
        self._chance = random.Random(seed)
        self._waiting = 0
        """Strikes that wait for a target."""
        self._busy: dict[Child, asyncio.Lock] = {
            child: asyncio.Lock() for child in (*ground.nodes, ground.database, ground.redis)
        }
        self._ways: dict[str, Callable[[Fault], Awaitable[Strike]]] = {
            "worker.kill": lambda fault: self._kill_one(fault, ground.workers),
            "worker.freeze": lambda fault: self._freeze_one(fault, ground.workers),
            "worker.freeze_locked": self._freeze_worker_with_locks,
            "worker.cut_off": self._cut_off,
            "service.kill": lambda fault: self._kill_one(fault, ground.services),
            "leader.kill": self._kill_leader,
            "leader.freeze": self._freeze_leader,
            "leader.freeze_locked": self._freeze_leader_in_round,
            "redis.kill": lambda fault: self._kill_server(fault, ground.redis),
            "redis.freeze": lambda fault: self._freeze_server(fault, ground.redis),
            "redis.half_open": self._forget_connections,
            "redis.refuse": self._refuse_connections,
            "database.kill": lambda fault: self._kill_server(fault, ground.database),
            "database.freeze": lambda fault: self._freeze_server(fault, ground.database),
        }

    def stands(self) -> bool:
        """True if nothing is wrong with some service and some worker, and no strike waits for a target."""
        return not self._waiting and bool(self._free(self._ground.services) and self._free(self._ground.workers))

    def _free(self, nodes: Sequence[Node]) -> list[Node]:
        return [node for node in nodes if not self._busy[node].locked()]

    async def run(self, faults: Sequence[Fault], pace: Pace) -> None:
        """Strike as planned; returns when all is over and everything stands again."""
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await pace.until(fault.at)
                group.create_task(self._strike(fault))
        self.calm.set()

    async def _strike(self, fault: Fault) -> None:
        strike = await self._ways[fault.kind](fault)
        strike.over = strike.over or time.monotonic()

    def _hits(self, fault: Fault, target: Child | str, pid: int = 0) -> Strike:
        name = target if isinstance(target, str) else target.name
        strike = Strike(fault.kind, name, fault.seconds, time.monotonic(), time.time(), pid=pid)
        self.strikes.append(strike)
        return strike

    # ── nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _one_of(self, nodes: Sequence[Node]) -> AsyncIterator[Node]:
        """A node that nothing else is wrong with, chosen by chance; waits until it is not the last of its kind."""
        with self._wait():
            await until(lambda: len(self._free(nodes)) >= min(2, len(nodes)))
        node = self._chance.choice(self._free(nodes))
        async with self._busy[node]:
            yield node

    @contextmanager
    def _wait(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _kill_one(self, fault: Fault, nodes: Sequence[Node]) -> Strike:
        async with self._one_of(nodes) as node:
            strike = self._hits(fault, node, node.pid)
            await self._kill_and_start(node, strike)
        return strike

    async def _kill_and_start(self, child: Child, strike: Strike) -> None:
        strike.facts["lived"] = child.lives
        await down(child, signal.SIGKILL)
        strike.over = time.monotonic()
        await asyncio.sleep(strike.seconds)
        await self._start(child, strike)
        strike.well = time.monotonic()

    async def _start(self, child: Child, strike: Strike) -> None:
        """As a supervisor would: again, if it ends because the database is away just now."""
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            child.start(wait=False)
            try:
                return await ready(child)
            except NotReady:
                if child.lives or time.monotonic() > deadline:
                    raise
            strike.facts["starts_failed"] = strike.facts.get("starts_failed", 0) + 1
            await asyncio.sleep(1)

    async def _freeze_one(self, fault: Fault, nodes: Sequence[Node]) -> Strike:
        async with self._one_of(nodes) as node:
            strike = self._hits(fault, node, node.pid)
            node.freeze()
            await self._thaw_later(node, strike)
        return strike

    async def _thaw_later(self, child: Child, strike: Strike) -> None:
        await asyncio.sleep(strike.at + strike.seconds - time.monotonic())
        strike.over = time.monotonic()
        child.thaw()
        strike.well = strike.over

    async def _freeze_worker_with_locks(self, fault: Fault) -> Strike:
        near = [worker for worker in self._ground.workers if worker not in self._ground.far]
        async with self._one_of(near) as node:
            held = await self._caught_with_locks(node)
            strike = self._hits(fault, node, node.pid)
            if not held:
                strike.note = "was never found to hold locks; frozen without"
                node.freeze()
            await self._thaw_later(node, strike)
        return strike

    async def _cut_off(self, fault: Fault) -> Strike:
        """The nodes behind the proxy, a service and half of the workers, lose the database and do not hear of it."""
        strike = self._hits(fault, "database_proxy")
        strike.facts["nodes"] = [node.name for node in self._ground.far]
        self._ground.database_proxy.stall()
        await asyncio.sleep(fault.seconds)
        strike.over = strike.well = time.monotonic()
        self._ground.database_proxy.resume()
        return strike

    # ── the leader ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _kill_leader(self, fault: Fault) -> Strike:
        async with self._leader() as (node, holder):
            inside = await self._caught(node, self._ground.truth.round_under_way)
            strike = self._hits(fault, node, node.pid)
            strike.facts |= {"holder": holder, "inside_a_round": inside}
            await self._kill_and_start(node, strike)
        return strike

    async def _freeze_leader(self, fault: Fault) -> Strike:
        async with self._leader() as (node, holder):
            strike = self._hits(fault, node, node.pid)
            strike.facts["holder"] = holder
            node.freeze()
            await self._thaw_later(node, strike)
        return strike

    async def _freeze_leader_in_round(self, fault: Fault) -> Strike:
        async with self._leader() as (node, holder):
            inside = await self._caught(node, self._ground.truth.round_under_way)
            strike = self._hits(fault, node, node.pid)
            strike.facts |= {"holder": holder, "inside_a_round": inside}
            node.freeze()
            await self._thaw_later(node, strike)
        return strike

    @asynccontextmanager
    async def _leader(self) -> AsyncIterator[tuple[Node, str]]:
        with self._wait():
            while (found := await self._leads()) is None:  # noqa: ASYNC110 (it is the database that is asked)
                await asyncio.sleep(0.02)
        async with self._busy[found[0]]:
            yield found

    async def _leads(self) -> tuple[Node, str] | None:
        """The leader and its name, if it can be struck and is not the last service."""
        if (leader := await self._ground.truth.leader()) is None:
            return None
        free = self._free(self._ground.services)
        node = next((node for node in free if node.lives and node.pid == leader[1]), None)
        return (node, leader[0]) if node is not None and len(free) >= 2 else None

    async def _caught(self, node: Node, sign: Callable[[], Awaitable[bool]]) -> bool:
        """Freeze the node at a moment when the sign is true and stays true; False (and not frozen) if it never is."""
        deadline = time.monotonic() + TRIES
        while time.monotonic() < deadline and node.lives:
            if await sign():
                node.freeze()
                await asyncio.sleep(0.03)  # what was under way at the server may still come to its end
                if await sign():
                    return True
                node.thaw()
            await asyncio.sleep(self._chance.uniform(0.0, 0.003))
        return False

    async def _caught_with_locks(self, node: Node) -> bool:
        """Freeze the node again and again until it is found to hold row locks; False (and not frozen) if it never is.

        To look first would be too late: its transactions are shorter than the look.
        """
        deadline = time.monotonic() + TRIES
        while time.monotonic() < deadline and node.lives:
            node.freeze()
            await asyncio.sleep(LOOKS_ANEW)
            if await self._ground.truth.lock_holders() & ports_of(node.pid):
                return True
            node.thaw()
            await asyncio.sleep(self._chance.uniform(0.0, 0.03))
        return False

    # ── servers and the network ─────────────────────────────────────────────────────────────────────────────────────

    async def _kill_server(self, fault: Fault, server: Server) -> Strike:
        async with self._busy[server]:
            strike = self._hits(fault, server, server.pid)
            await self._kill_and_start(server, strike)
        return strike

    async def _freeze_server(self, fault: Fault, server: Server) -> Strike:
        async with self._busy[server]:
            strike = self._hits(fault, server, server.pid)
            server.freeze()
            await self._thaw_later(server, strike)
        return strike

    async def _forget_connections(self, fault: Fault) -> Strike:
        strike = self._hits(fault, "redis_proxy")
        strike.facts["connections"] = self._ground.redis_proxy.forget()
        strike.over = strike.well = time.monotonic()
        return strike

    async def _refuse_connections(self, fault: Fault) -> Strike:
        strike = self._hits(fault, "redis_proxy")
        await self._ground.redis_proxy.refuse()
        await asyncio.sleep(fault.seconds)
        strike.over = strike.well = time.monotonic()
        await self._ground.redis_proxy.accept()
        return strike
