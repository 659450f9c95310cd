"""Processes to be killed: one that has everything imported and a unit practised, and forks itself for each death.

Run as ``python -m faults.sweep.forks`` by ``deaths.py``; they speak JSON lines. A fork opens its connections, says that
it is ready, waits for a word, and does the unit; what it does after that is its killer's business.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from faults.sweep.callers import CALLERS
from faults.sweep.fault import SEEN, Commands, Fault, When
from faults.sweep.sqlite import disturb
from faults.sweep.system import System, steady
from faults.sweep.unit import Unit
from faults.sweep.units import STORE_UNITS
from faults.sweep.wrong import WRONG
from tradefree.errors import LeadershipLost, StorageUnavailable

UNITS = {unit.name: unit for unit in (*STORE_UNITS, *CALLERS, *WRONG.values())}


def listen() -> dict[str, Any]:
    """The next line on stdin, read byte by byte: a fork must not find what is meant for another."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit()
        line += byte
    found: dict[str, Any] = json.loads(line)
    return found


OUT = os.dup(1)
os.dup2(2, 1)  # what is logged is not said


def say(**words: Any) -> None:
    os.write(OUT, json.dumps(words).encode() + b"\n")


class Actor:
    """Has practised one unit on one database."""

    def __init__(self, unit: Unit, url: str) -> None:
        self.unit = unit
        self.commands = Commands()
        self.system = System(sa.make_url(url))
        self.uses: set[int] = {0, 1, 2}
        if self.system.database.sqlite:
            for engine in self.system.engines():
                disturb(engine, self.commands)
        asyncio.run(self._practise())
        gc.freeze()

    async def _practise(self) -> None:
        await self._begin(None)
        await self.unit.act(self.system)
        say(commands=[command[:SEEN] for command in self.commands.sent])
        self.uses = set(self.system.used)
        await self.system.close()

    async def _begin(self, fault: Fault | None) -> None:
        """Everything is ready; wait for the word."""
        await self.system.warm_up(self.uses)
        self.system.used.clear()
        say(pid=os.getpid())
        listen()
        self.commands.watch(fault)

    def die(self, number: int, when: str) -> None:
        """Fork, and let the fork do the unit. On SQLite it kills itself at that command; else its killer does."""
        pid = os.fork()
        if pid == 0:
            _die_with_our_parent()
            try:
                asyncio.run(self._live(Fault(number, When(when), instead=_kill_ourselves)))
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        say(exit=os.waitstatus_to_exitcode(status))

    async def _live(self, fault: Fault) -> None:
        await self._begin(fault)
        try:
            await self.unit.act(self.system)
        except StorageUnavailable as error:
            say(unavailable=str(error))
        os._exit(0)


def freeze(unit: Unit, url: str, text: str) -> None:
    """Fork; the fork does the unit in real time and stands still once it has executed a statement with this text. When
    it is thawed, it goes on and says how it went."""
    if os.fork() == 0:
        _die_with_our_parent()
        try:
            asyncio.run(_freeze(unit, url, text))
        finally:
            os._exit(1)


async def _freeze(unit: Unit, url: str, text: str) -> None:
    system = System(sa.make_url(url), ticks=True)

    @event.listens_for(system.engines()[0], "after_cursor_execute")
    def executed(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if text in statement:
            say(pid=os.getpid())
            os.kill(os.getpid(), signal.SIGSTOP)

    try:
        await unit.act(system)
    except (StorageUnavailable, LeadershipLost) as error:
        say(went=type(error).__name__)
    else:
        say(went="well")
    os._exit(0)


def _die_with_our_parent() -> None:
    """Also if we stand still."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG = 1


def _kill_ourselves() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    steady(setattr)
    actor: Actor | None = None
    while True:
        word = listen()
        if "practise" in word:
            actor = Actor(UNITS[word["practise"]], word["url"])
        elif "freeze" in word:
            freeze(UNITS[word["freeze"]], word["url"], word["text"])
        else:
            assert actor is not None
            actor.die(word["number"], word["when"])


if __name__ == "__main__":
    main()
