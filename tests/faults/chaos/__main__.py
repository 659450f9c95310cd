"""``python -m faults.chaos --tasks 10000 --seed 7``: a storm by hand, with a report as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from faults.chaos.plan import make_plan
from faults.chaos.report import report_of, show
from faults.chaos.storm import Progress, Storm, rage

AT_SIZE = 5000
"""Tasks from which on the database goes away for minutes, too."""
SAY_EVERY = 10.0
"""Seconds between lines of progress when nobody sits at a terminal."""

console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier report, to have the same plan again")
    parser.add_argument("--report", type=Path, default=None, help="where the report goes; by default beside the logs")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="tradefree-chaos-"))
    console.print(f"{options.tasks} tasks, seed {seed}; logs in {folder}")
    plan = make_plan(options.tasks, seed, at_size=options.tasks >= AT_SIZE)
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        storm: Storm = asyncio.run(rage(plan, folder, tell=_teller(live)))
    report = report_of(storm)
    file = options.report or folder / "report.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1) + "\n")
    show(storm, report, console)
    console.print(f"report: {file}")
    return 1 if storm.findings else 0


class _teller:  # noqa: N801 (used as a function that remembers)
    """Shows progress: a line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._said = -SAY_EVERY

    def __call__(self, progress: Progress) -> None:
        words = _words(progress)
        if console.is_terminal:
            self._live.update(Text(words))
        elif progress.seconds - self._said >= SAY_EVERY:
            self._said = progress.seconds
            console.print(words)


def _words(progress: Progress) -> str:
    states = ", ".join(f"{number} {state}" for state, number in sorted(progress.states.items()))
    now = Counter(strike.kind for strike in progress.struck if not strike.over)
    going_on = f"; now: {', '.join(now)}" if now else ""
    struck = f"{len(progress.struck)} of {progress.faults} faults"
    return f"{progress.seconds:5.0f} s  {progress.accepted} of {progress.tasks} accepted ({states}); {struck}{going_on}"


if __name__ == "__main__":
    sys.exit(main())
