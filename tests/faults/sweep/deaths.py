"""The sweep of deaths: a process does the unit and is killed at each of its statements; then another does it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from faults.sweep.fault import Fault, When
from faults.sweep.judge import judge
from faults.sweep.rig import Rig
from faults.sweep.sweep import Twin, same, same_way, telling
from faults.sweep.unit import Unit

TESTS = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds to wait for a word."""


class Forks:
    """The process that forks itself, to talk to: started once, for many sweeps."""

    def __init__(self) -> None:
        self._said: asyncio.StreamReader | None = None
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.sweep.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(TESTS)},
        )

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[Forks]:
        """What it says is heard in this event loop. If something goes wrong, the next one talks to another process."""
        assert self._process.stdout is not None
        self._said = said = asyncio.StreamReader()
        pipe = os.fdopen(os.dup(self._process.stdout.fileno()), "rb")
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(said), pipe
        )
        try:
            yield self
        except BaseException:
            self.stop()
            self._start()
            raise
        finally:
            transport.close()

    def tell(self, **words: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        self._process.stdin.flush()

    async def hear(self, word: str) -> Any:
        """Wait until it says this."""
        assert self._said is not None
        async with asyncio.timeout(PATIENCE):
            said = json.loads(await self._said.readline() or b"{}")
        assert word in said, f"it was to say {word!r} and said {said}"
        return said[word]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


async def sweep_deaths(rig: Rig, unit: Unit, forks: Forks) -> int:
    """Kill a process before the first command and after every one, which is before the next; the number of deaths."""
    twin = await _practise(rig, unit, forks)
    stages = twin.stages()
    faults = [Fault(1, When.BEFORE), *(Fault(n, When.AFTER) for n in range(1, len(twin.commands) + 1))]
    for fault in faults:
        with telling(unit, twin, fault):
            await _die(rig, twin, forks, fault)
            content = await rig.door.read()
            judge(content)
            same(content, stages.setdefault(twin.commits(fault), content))
            if not unit.insists:
                await unit.act(rig.calm)
                same(await rig.door.read(), twin.after, (*unit.but, "tasks.worker_id"))
    return len(faults)


async def _practise(rig: Rig, unit: Unit, forks: Forks) -> Twin:
    """A process does the unit and lives."""
    before = await rig.given(unit)
    forks.tell(practise=unit.name, url=rig.url.render_as_string(hide_password=False))
    await forks.hear("pid")
    rig.commands.watch()
    forks.tell(go=True)
    commands = await forks.hear("commands") or list(rig.commands.sent)
    return Twin(before, commands, None, await rig.door.read())


async def _die(rig: Rig, twin: Twin, forks: Forks, fault: Fault) -> None:
    await rig.door.replace(twin.before)
    forks.tell(number=fault.number, when=fault.when)
    pid = await forks.hear("pid")
    fault.instead = lambda: os.kill(pid, signal.SIGKILL)
    rig.commands.watch(fault)
    forks.tell(go=True)
    assert await forks.hear("exit") == -signal.SIGKILL
    if rig.commands.sent:
        same_way(rig.commands.sent, twin.commands[: fault.number])
    rig.commands.watch()
