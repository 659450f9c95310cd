"""The sweep: disturb a unit at each of its statements; nothing may be half done, and it must be safe to repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from faults.sweep.content import Content, difference
from faults.sweep.ends import everything_ends
from faults.sweep.fault import SEEN, Fault, When
from faults.sweep.judge import judge
from faults.sweep.rig import Rig
from faults.sweep.system import System
from faults.sweep.unit import Unit
from tradefree.errors import StorageUnavailable


@dataclass(frozen=True)
class Twin:
    """What comes of a unit that is not disturbed."""

    before: Content
    commands: Sequence[str]
    answer: Any
    after: Content

    def commits(self, fault: Fault | None = None) -> int:
        """How many transactions have been committed when the fault has struck; without one, all of them."""
        seen = self.commands if fault is None else self.commands[: fault.number - (fault.when is When.BEFORE)]
        return seen.count("COMMIT")

    def stages(self) -> dict[int, Content]:
        """What the database must hold after so many commits; a caller's middle stages are seen as they come."""
        return {0: self.before, self.commits(): self.after}


async def undisturbed(rig: Rig, unit: Unit, system: System) -> Twin:
    """Do it once in peace."""
    before = await rig.given(unit)
    system.used.clear()
    rig.commands.watch()
    answer = await unit.act(system)
    commands = list(rig.commands.sent)
    after = await rig.door.read()
    judge(before)
    judge(after)
    if unit.commits is not None:
        assert commands.count("COMMIT") == unit.commits, f"{commands.count('COMMIT')} transactions"
    return Twin(before, commands, answer, after)


async def sweep(rig: Rig, unit: Unit, whens: Sequence[When], *, cold: bool = False, silent: bool = False) -> int:
    """Cut the connection at every command; the number of cuts.

    ``cold``: it has to be opened first, and dies on the way, too. ``silent``: nobody says that it is dead.
    """
    async with rig.system() as system:
        if cold:
            await system.close()
        twin = await undisturbed(rig, unit, system)
        uses = set(system.used)
        stages = twin.stages()
        points = [(number, when) for number in range(1, len(twin.commands) + 1) for when in whens]
        for number, when in points:
            fault = Fault(number, when, holds=silent)
            with telling(unit, twin, fault):
                await (system.close() if cold else system.warm_up(uses))
                await _cut(rig, unit, system, twin, stages, fault)
        if rig.kind == "sqlite":  # what comes after is the same everywhere
            for stage in list(stages.values())[1:]:
                await rig.door.replace(stage)
                await everything_ends(rig.calm)
        return len(points)


@contextmanager
def telling(unit: Unit, twin: Twin, fault: Fault) -> Iterator[None]:
    """What goes wrong inside tells where."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"{unit.name}: {fault.when} command {fault.number} of {[c[:70] for c in twin.commands]}")
        raise


async def _cut(rig: Rig, unit: Unit, system: System, twin: Twin, stages: dict[int, Content], fault: Fault) -> None:
    await rig.door.replace(twin.before)
    rig.commands.watch(fault)
    try:
        answer = await unit.act(system)
    except StorageUnavailable:
        assert not unit.insists, "it gave up"
        stage = twin.commits(fault)
    else:
        assert answer == twin.answer, "another answer"
        stage = twin.commits()
    fault.release()
    assert fault.met.is_set(), "it did not come to that"
    same_way(rig.commands.sent[: fault.number], twin.commands[: fault.number])
    rig.commands.watch()
    content = await rig.door.read()
    judge(content)
    same(content, stages.setdefault(stage, content))
    if not unit.insists:
        await _again(rig, unit, system, twin)
    assert system.checked_out() == 0, "a connection has not come back"


async def _again(rig: Rig, unit: Unit, system: System, twin: Twin) -> None:
    answer = await unit.act(system)
    if unit.same_answer:
        assert answer == twin.answer, "another answer to the repeat"
    content = await rig.door.read()
    judge(content)
    same(content, twin.after, unit.but)


def same(content: Content, wanted: Content, but: Sequence[str] = ()) -> None:
    table = difference(content, wanted, but)
    assert table is None, f"{table} is not as it should be"


def same_way(sent: Sequence[str], twin: Sequence[str]) -> None:
    """The fault struck where it was meant to."""
    assert [*map(_beginning, sent)] == [*map(_beginning, twin)], "it went another way"


def _beginning(command: str) -> str:
    """Up to a sealed secret, which is another text each time."""
    return command[:SEEN].partition("'gAAAAA")[0]
