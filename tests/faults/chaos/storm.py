"""One storm: start everything, let clients submit while faults strike, wait until all is quiet, ask the judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.chaos.clients import Clients
from faults.chaos.evidence import Evidence, read_performances, rows_of
from faults.chaos.ground import Ground
from faults.chaos.judge import verdict
from faults.chaos.pace import Pace
from faults.chaos.plan import Plan
from faults.chaos.strikes import Strike, Striker
from faults.chaos.watch import Watch

SETTLE_WITHIN = 240.0
"""Seconds after the last fault in which every task must have ended: two leases and what a backlog takes."""

LATE = 3.0
"""Seconds for which one goes on looking when all is done: somebody who should not may still write."""


@dataclass
class Storm:
    """A storm that is over."""

    plan: Plan
    findings: list[str]
    evidence: Evidence
    clients: Clients
    watch: Watch
    began: float
    calm: float
    """When the last fault was over."""
    settled: float | None
    """When the last task had ended; None if that did not happen."""


@dataclass
class Progress:
    """How far it is, for whoever watches."""

    tasks: int
    accepted: int = 0
    states: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    struck: list[Strike] = field(default_factory=list)
    seconds: float = 0.0


async def rage(plan: Plan, folder: Path, *, tell: Callable[[Progress], Any] = lambda _: None, **size: Any) -> Storm:
    """Let the storm rage. ``size``: see ``Ground``."""
    async with Ground(folder, **size) as ground:
        clients, striker, watch = Clients(ground, plan.seed), Striker(ground, plan.seed), Watch(ground)
        began = time.monotonic()

        def progress() -> None:
            seconds = time.monotonic() - began
            tell(Progress(plan.tasks, len(clients.accepted), watch.states, len(plan.faults), striker.strikes, seconds))

        pace = Pace(striker.stands)
        pacing = asyncio.create_task(pace.run())
        watching = asyncio.create_task(watch.run(progress))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(clients.run(plan.parcels, pace))
                group.create_task(striker.run(plan.faults, pace))
            calm = time.monotonic()
            settled = await _settle(watch, plan.tasks, watching)
            await asyncio.sleep(LATE)
        finally:
            watching.cancel()
            pacing.cancel()
        evidence = await _evidence(plan, ground, clients, striker, watch)
    findings = verdict(evidence)
    if settled is None:
        findings.insert(0, f"not all tasks ended in {SETTLE_WITHIN:.0f} s after the last fault: {watch.states}")
    return Storm(plan, findings, evidence, clients, watch, began, calm, settled)


async def _settle(watch: Watch, tasks: int, watching: asyncio.Task[None]) -> float | None:
    deadline = time.monotonic() + SETTLE_WITHIN
    while time.monotonic() < deadline:
        if watching.done():
            watching.result()
        if watch.ended >= tasks:
            return time.monotonic()
        await asyncio.sleep(0.1)
    return None


async def _evidence(plan: Plan, ground: Ground, clients: Clients, striker: Striker, watch: Watch) -> Evidence:
    struck_dead = [f"{s.target} (found dead at {s.kind})" for s in striker.strikes if s.facts.get("lived") is False]
    dead_now = [f"{node.name} (exit code {node.exit_code})" for node in ground.nodes if not node.lives]
    rows = await rows_of(ground.truth)
    for node in ground.nodes:  # what still runs must not write on
        node.kill()
    return Evidence(
        wanted=plan.wanted,
        accepted=clients.accepted,
        ids=clients.ids,
        wrong_answers=clients.wrong,
        runs=ground.dify.runs(),
        performances=read_performances(ground.record, striker.strikes),
        strikes=striker.strikes,
        peak_places=watch.peak,
        silent_deaths=[*struck_dead, *dead_now],
        **rows,
    )
