"""The crew: as many members as wanted, an orderly end, and a change of all of them without a gap."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

import structlog

from tradefree.clock import Clock
from tradefree.worker.crew.member import Member, Program

HAND_BACK_WITHIN = 20.0
"""Seconds a process has to hand back what it has, once told to hurry; then it is killed. Its tasks are taken over when
its lease has run out, as those of any dead worker."""
READY_WITHIN = 60.0
"""Seconds a new process has to take work when all are changed; then the old ones stay."""
WRONG_SETTING = 2
"""The exit code of a process that starting again will not help: a setting or the database must be put right."""

log = structlog.get_logger(__name__)


class Crew:
    """Members by number. Its methods are called in one event loop."""

    def __init__(self, program: Program, clock: Clock, *, drain_timeout: float) -> None:
        self.exit_code = 0
        """What the parent should end with."""
        self.over = asyncio.Event()
        """Set when there is nothing left to do: told to stop, or no process can start."""
        self._program = program
        self._clock = clock
        self._drain_timeout = drain_timeout
        self._members: dict[int, Member] = {}
        self._leavers: set[Member] = set()
        self._running: dict[Member, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()
        self._rolling = False

    @property
    def size(self) -> int:
        """Members that are to stay."""
        return len(self._members)

    @property
    def pids(self) -> list[int]:
        """Of the processes that are to stay."""
        return [pid for member in self._members.values() if (pid := member.pid) is not None]

    @property
    def arrived(self) -> bool:
        """True if all that are to stay take work."""
        return all(member.ready.is_set() for member in self._members.values())

    def resize(self, wanted: int) -> None:
        """Start what is missing, or let the newest drain. Nothing after ``stop``."""
        while not self.over.is_set() and self.size < wanted:
            self._join()
        for number in sorted(self._members, reverse=True)[: max(0, self.size - wanted)]:
            self._retire(number)

    async def change(self) -> None:
        """Replace every process by a new one, one after the other; each old one drains once the new one takes work.

        If a new one does not come up, the old ones stay: a broken version does not replace one that works.
        """
        if self._rolling or self.over.is_set():
            return
        self._rolling = True
        try:
            for number in sorted(self._members):
                if number not in self._members or self.over.is_set():
                    continue
                new = self._join()
                if not await _comes_up(new):
                    log.error("a new worker process does not start; the old ones stay", number=new.number)
                    self._retire(new.number)
                    return
                self._retire(number)
            log.info("all worker processes are new", processes=self.size)
        finally:
            self._rolling = False

    def stop(self) -> None:
        """Let all drain; the second call lets them hand back at once."""
        if self.over.is_set():
            self._hurry.set()
        self.over.set()

    async def finish(self) -> None:
        """Return when every process has ended; the drain's time-out, then a hard end, see to that."""
        for number in list(self._members):
            self._retire(number)
        ending = asyncio.create_task(self._ended_within(self._drain_timeout))
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({ending, hurry}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        hurry.cancel()
        for member in self._leavers:
            member.hurry()
        await self._ended_within(HAND_BACK_WITHIN)
        for member in self._leavers:
            log.error("a worker process does not end; killing it", number=member.number, pid=member.pid)
            self.exit_code = os.EX_SOFTWARE
            member.kill()
        if self._running:
            await asyncio.wait(list(self._running.values()))

    def _join(self) -> Member:
        number = _lowest_free([*self._members, *(leaver.number for leaver in self._leavers)])
        member = Member(number, self._program, self._clock)
        self._members[member.number] = member
        running = asyncio.create_task(member.run(self._died))
        self._running[member] = running
        running.add_done_callback(lambda _: self._gone(member))
        return member

    def _retire(self, number: int) -> None:
        member = self._members.pop(number)
        self._leavers.add(member)
        member.leave()

    def _gone(self, member: Member) -> None:
        self._leavers.discard(member)
        error = None if self._running[member].cancelled() else self._running[member].exception()
        del self._running[member]
        if error is not None:  # a bug, or the system starts no more processes
            log.critical("a worker process cannot be looked after", number=member.number, exc_info=error)
            self._members.pop(member.number, None)
            self.exit_code = os.EX_SOFTWARE
            self.over.set()

    def _died(self, member: Member) -> None:
        """Where no process works and the next start would fail alike, end with what the process said."""
        others = [other for other in self._members.values() if other is not member and other.pid is not None]
        if member.exit_code == WRONG_SETTING and not others and not self._rolling:
            self.exit_code = WRONG_SETTING
            self.over.set()

    async def _ended_within(self, seconds: float) -> None:
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)


def _lowest_free(taken: Iterable[int]) -> int:
    numbers = set(taken)
    return next(number for number in range(1, len(numbers) + 2) if number not in numbers)


async def _comes_up(member: Member) -> bool:
    """True once its process takes work; False if it dies before, or takes too long."""
    either = [asyncio.create_task(event.wait()) for event in (member.ready, member.died)]
    await asyncio.wait(either, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
    for waiting in either:
        waiting.cancel()
    return member.ready.is_set()
