"""The story: what was struck, and what became of the tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from demo_distributed import recovery, verdict
from demo_distributed.facts import Facts
from demo_distributed.shop import Shop
from demo_distributed.timeline import Strike, Timeline, mmss
from demo_distributed.verdict import Promise
from demo_distributed.work import Work
from tradefree.tasks.dispatch import TTL
from tradefree.tasks.recover import LEASE, SILENCE
from tradefree.worker.runtime import BEAT_EVERY

NAMED = 3
"""Examples shown of what breaks a promise."""


def tell(console: Console, facts: Facts, work: Work, shop: Shop, timeline: Timeline) -> list[Promise]:
    """Print everything; the promises, kept or broken."""
    promises = verdict.judge(facts, work, shop.accepted, timeline.strikes)
    console.print()
    console.print(_struck(facts, timeline))
    console.print()
    console.print(_became(facts, work, shop, promises))
    broken = [promise for promise in promises if not promise.kept]
    for promise in broken:
        console.print(f"Not as promised: {promise.words}", style="red")
        for line in promise.broken[:NAMED]:
            console.print(f"  {line}", style="red", markup=False)
        if len(promise.broken) > NAMED:
            console.print(f"  and {len(promise.broken) - NAMED} more", style="red")
    return promises


# ── what was struck ─────────────────────────────────────────────────────────────────────────────────────────────────


def _struck(facts: Facts, timeline: Timeline) -> Table:
    table = Table(title="What was struck (SIGKILL)", title_justify="left", header_style="bold", show_lines=True)
    table.add_column("what", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("what the system did")
    table.add_column("recovery", justify="right", no_wrap=True)
    for strike in timeline.strikes:
        did, seconds = _TOLD[strike.kind](facts, strike)
        back = f"\n[dim]{strike.victim} itself was back after {strike.back_after:.1f} s[/]" if strike.back_after else ""
        what = f"{strike.victim}\n[dim]{strike.about}[/]"
        table.add_row(what, mmss(timeline.seconds(strike.at)), did + back, f"{seconds:.1f} s")
    return table


def _leader(facts: Facts, strike: Strike) -> tuple[str, float]:
    found = recovery.of_leader(facts, strike)
    return (
        f"The other service answered all the time, and took the lead when the dead one's lease of {TTL:g} s had run "
        f"out. Recovery: the longest pause in starts; before, {found.usual:.1f} s at most.",
        found.pause,
    )


def _worker(facts: Facts, strike: Strike) -> tuple[str, float]:
    found = recovery.of_worker(facts, strike)
    return (
        f"The {found.tasks} tasks it was at went to the others once it was surely dead: a lease of {LEASE:g} s from "
        f"its last beat, and {SILENCE:g} s more, so that no slow worker loses its tasks. All other tasks went on. "
        "Recovery: until the last of them was in work again.",
        found.seconds,
    )


def _redis(facts: Facts, strike: Strike) -> tuple[str, float]:
    found = recovery.of_redis(facts, strike)
    return (
        f"{found.meanwhile} starts while it was away: without a ring, a worker finds its tasks by its beat, every "
        f"{BEAT_EVERY:g} s. The slowest took {found.slowest:.1f} s from admission to start, usual are "
        f"{found.usual * 1000:.0f} ms. Recovery: until the last late start.",
        found.seconds,
    )


_TOLD = {"leader": _leader, "worker": _worker, "redis": _redis}


# ── what became of the tasks ────────────────────────────────────────────────────────────────────────────────────────


def _became(facts: Facts, work: Work, shop: Shop, promises: Sequence[Promise]) -> Table:
    title = f"What became of the {len(work.tasks)} tasks"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for promise in promises:
        table.add_row("[green]✓ as promised[/]" if promise.kept else "[red]✗ broken[/]", promise.words)
    table.add_section()
    table.add_row("requests", _requests(shop))
    table.add_row("runs at Dify", _runs(facts, work))
    table.add_row("most at once", _peaks(facts, work))
    table.add_row("attempts", _attempts(facts))
    table.add_row("longest wait", f"{recovery.longest_wait(facts):.1f} s from accepted to completed")
    return table


def _requests(shop: Shop) -> str:
    return (
        f"{shop.answers['accepted']} accepted; {shop.answers['repeated']} got no answer and were repeated at the other "
        f"service, {shop.answers['replayed']} of them had been stored before"
    )


def _runs(facts: Facts, work: Work) -> str:
    at_dify = sum(task.type in work.at_dify for task in facts.tasks.values())
    balance = verdict.reattached(facts)
    return (
        f"{len(facts.runs)} for {at_dify} tasks; {balance.taken_up} re-attached instead of started again, "
        f"{balance.started_late} not yet asked for when the worker died, {balance.explained} started again after an "
        f"end without a result, {len(balance.paid_twice)} paid twice"
    )


def _attempts(facts: Facts) -> str:
    outcomes = Counter({"completed": 0, "lost": 0, "handed_back": 0})
    outcomes.update(str(attempt.outcome) for attempt in facts.every_attempt)
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())


def _peaks(facts: Facts, work: Work) -> str:
    return ", ".join(f"{name} {peak} (cap {cap})" for name, (peak, cap) in verdict.peaks(facts, work).items())
