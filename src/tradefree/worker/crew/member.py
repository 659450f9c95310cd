"""A member of the crew: one worker process, and the next one when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from tradefree.clock import Clock, wait_at_most
from tradefree.worker.crew.tether import READY

FIRST_PAUSE = 1.0
"""Seconds before a process that died is started again; doubled with every death."""
LONGEST_PAUSE = 60.0
STEADY = 60.0
"""Seconds after which a process that took work is not thought to die at its start: the pause begins anew."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """How a worker process is started."""

    command: Callable[[int], Sequence[str]]
    """The program and its arguments, given the number of the file descriptor of its tether."""
    environment: Callable[[int], Mapping[str, str]]
    """Its environment, given the member's number."""


class Member:
    """Keeps one process running until told to leave."""

    def __init__(self, number: int, program: Program, clock: Clock) -> None:
        self.number = number
        self.ready = asyncio.Event()
        """Set while its process takes work."""
        self.died = asyncio.Event()
        """Set when a process of its has ended without being asked to."""
        self.exit_code: int | None = None
        """Of the last process that ended."""
        self._program = program
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._leave = asyncio.Event()
        self._signals = 0
        """Signals to stop that the process has had."""

    def leaving(self) -> bool:
        """True once it was told to leave."""
        return self._leave.is_set()

    @property
    def pid(self) -> int | None:
        """Of its process; None while it has none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self, on_end: Callable[[Member], None]) -> None:
        """Start, watch, start again. ``on_end`` is told of every process that ended without being asked to."""
        pause = FIRST_PAUSE
        while not self.leaving():
            began = self._clock.monotonic()
            await self._live()
            if self.leaving():
                break
            pause = FIRST_PAUSE if self._clock.monotonic() - began > STEADY else pause
            log.error("a worker process died", number=self.number, exit_code=self.exit_code, again_in=pause)
            self.died.set()
            on_end(self)
            await wait_at_most(self._leave, pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def leave(self) -> None:
        """Let its process drain, and start no other. Returns at once; ``run`` ends with it."""
        self._leave.set()
        if not self._signals:
            self._send(signal.SIGTERM)

    def hurry(self) -> None:
        """Let its process hand back what it has, at once."""
        self.leave()
        if self._signals < 2:
            self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End its process the hard way."""
        self.leave()
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._signals += 1
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _live(self) -> None:
        """One process, from its start to its end."""
        ours, its = socket.socketpair()
        with ours:
            with its:
                self._process = await asyncio.create_subprocess_exec(
                    *self._program.command(its.fileno()),
                    env=dict(self._program.environment(self.number)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(its.fileno(),),
                    start_new_session=True,  # a terminal's Ctrl-C is for the parent, which passes it on
                )
            log.info("worker process started", number=self.number, pid=self._process.pid)
            if self.leaving():  # while it was being started
                self._send(signal.SIGTERM)
            ours.setblocking(False)
            listening = asyncio.create_task(self._listen(ours))
            try:
                self.exit_code = await self._process.wait()
            finally:
                listening.cancel()
                self.ready.clear()
                await asyncio.wait({listening})
        if self.leaving():
            log.info("worker process ended", number=self.number, exit_code=self.exit_code)

    async def _listen(self, ours: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if await asyncio.get_running_loop().sock_recv(ours, 1) == READY:
                self.ready.set()


def environment_of(number: int, log_file: str | None) -> dict[str, str]:
    """The parent's environment, with a log file of its own: files that several write to cannot be rotated."""
    if log_file is None:
        return dict(os.environ)
    head, end = os.path.splitext(log_file)
    return {**os.environ, "TRADEFREE_LOG_FILE": f"{head}.{number}{end}"}
