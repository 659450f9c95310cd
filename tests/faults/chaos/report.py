"""The report of a storm: as JSON for machines, as tables for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from faults.chaos.evidence import outcomes
from faults.chaos.recovery import reattached, recovery_times
from faults.chaos.storm import Storm


def report_of(storm: Storm) -> dict[str, Any]:
    """Everything worth keeping. Moments are seconds since the storm began."""
    evidence = storm.evidence
    strikes = [
        {
            **asdict(strike),
            "at": round(strike.at - storm.began, 3),
            "over": round(strike.over - storm.began, 3),
            "well": round(strike.well - storm.began, 3) if strike.well else None,
        }
        for strike in evidence.strikes
    ]
    return {
        **storm.plan.as_json(),
        "findings": storm.findings,
        "seconds": {
            "faults": round(storm.calm - storm.began, 1),
            "settling": round(storm.settled - storm.calm, 1) if storm.settled else None,
        },
        "submitted": {
            "wanted": len(evidence.wanted),
            "accepted": len(evidence.accepted),
            "rows": len(evidence.tasks),
            "replayed": storm.clients.replayed,
            "answers": dict(storm.clients.answers),
            "slowest_answer": round(storm.clients.slowest, 2),
        },
        "tasks": dict(Counter(f"{task['type']} {task['status']}" for task in evidence.tasks.values())),
        "attempts": dict(outcomes(evidence.attempts)),
        "dify": {
            "runs": len(evidence.runs),
            "outcomes": dict(Counter(str(run.outcome) for run in evidence.runs)),
            "reattached": reattached(evidence),
        },
        "peak_places": {name: peak for name, peak in sorted(evidence.peak_places.items()) if "/" not in name},
        "recovery_seconds": {name: [round(s, 2) for s in times] for name, times in recovery_times(storm).items()},
        "struck": strikes,
        "history": [{**look, "at": round(look["at"] - storm.began, 1)} for look in storm.watch.history],
    }


def show(storm: Storm, report: dict[str, Any], console: Console) -> None:
    """Print what happened."""
    console.print(_blows(storm))
    console.print(_facts(report))
    console.print(_recovery(report))
    for finding in storm.findings:
        console.print(f"[red]✗[/red] {finding}")
    if not storm.findings:
        console.print(
            "[green]✓ Nothing was lost, nothing finished twice, nothing ran twice at once, caps held.[/green]"
        )


def _blows(storm: Storm) -> Table:
    table = Table(title="What struck", title_justify="left", header_style="bold")
    for name in ("fault", "times", "remarks"):
        table.add_column(name, justify="right" if name == "times" else "left")
    strikes = storm.evidence.strikes
    for kind, number in sorted(Counter(strike.kind for strike in strikes).items()):
        inside = sum(bool(s.facts.get("inside_a_round")) for s in strikes if s.kind == kind)
        remarks = [f"{inside} inside a round"] if inside else []
        remarks += [strike.note for strike in strikes if strike.kind == kind and strike.note]
        table.add_row(kind, str(number), "; ".join(remarks))
    return table


def _facts(report: dict[str, Any]) -> Table:
    table = Table(title="What came of it", title_justify="left", show_header=False)
    submitted, dify = report["submitted"], report["dify"]
    accepted = f"{submitted['accepted']} of {submitted['wanted']}, {submitted['rows']} rows"
    table.add_row("accepted", f"{accepted}; answers: {_counts(submitted['answers'])}")
    table.add_row("tasks", _counts(report["tasks"]))
    table.add_row("attempts", _counts(report["attempts"]))
    table.add_row("runs at Dify", f"{dify['runs']}: {_counts(dify['outcomes'])}; {dify['reattached']} re-attached")
    table.add_row("most places at once", _counts(report["peak_places"]))
    table.add_row("seconds", f"{report['seconds']['faults']} of faults, then {report['seconds']['settling']} to settle")
    return table


def _recovery(report: dict[str, Any]) -> Table:
    table = Table(title="Recovery, in seconds", title_justify="left", header_style="bold")
    for name in ("what", "times", "median", "longest"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, times in report["recovery_seconds"].items():
        table.add_row(name, str(len(times)), f"{median(times):.1f}", f"{max(times):.1f}")
    return table


def _counts(numbers: dict[str, Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items())
