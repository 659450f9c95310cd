"""Benchmarks of the task system: ``python -m bench SECTION``. What each number means: docs/performance.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
import uvloop

from bench.report.tables import show
from bench.results import Result, Row, save
from bench.sections import events as events_
from bench.sections import latency as latency_
from bench.sections import limits as limits_
from bench.sections import operations as operations_
from bench.sections import pages as pages_
from bench.sections import recovery as recovery_
from bench.sections import streams as streams_
from bench.sections import submitting as submitting_
from bench.sections import throughput as throughput_
from bench.servers import Servers

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

Save = Annotated[bool, typer.Option("--keep", help="Keep the raw numbers in bench/results.")]
Tasks = Annotated[int, typer.Option(help="Tasks of one measurement.")]
Rounds = Annotated[int, typer.Option(help="How often each is measured.")]


@app.command()
def throughput(
    tasks: Annotated[int, typer.Option(help="Tasks of one measurement of Celery; others do more.")] = 3_000,
    rounds: Rounds = 5,
    only: Annotated[str, typer.Option(help="Beginnings of names of sides, comma-separated.")] = "",
    database: Annotated[str, typer.Option(help="mariadb, mysql, sqlite; comma-separated. Left out: all.")] = "",
    sizes: Annotated[str, typer.Option(help="Bytes of input and output, comma-separated.")] = "150,5000",
    concurrency: Annotated[int, typer.Option(help="Tasks that our worker performs at once.")] = 1_000,
    keep: Save = False,
) -> None:
    """Tasks per second, end to end, beside other task queues."""
    numbers = tuple(int(size) for size in sizes.split(","))
    plan = throughput_.Plan(tasks, rounds, _words(only), _words(database), numbers, concurrency)
    _run("throughput", throughput_.measure, plan, keep)


@app.command()
def latency(tasks: Tasks = 100, rounds: Rounds = 3, keep: Save = False) -> None:
    """From submit to result as a client sees it, at ten tasks per second."""
    _run("latency", latency_.measure, latency_.Plan(tasks, rounds), keep)


@app.command()
def streams(
    calls: Annotated[str, typer.Option(help="Calls in flight, comma-separated.")] = "1000,2000", keep: Save = False
) -> None:
    """Thousands of ten-second Dify streams in one worker."""
    _run("streams", streams_.measure, streams_.Plan([int(number) for number in calls.split(",")]), keep)


@app.command()
def submitting(tasks: Tasks = 5_000, rounds: Rounds = 3, keep: Save = False) -> None:
    """Submits over HTTP per second."""
    _run("submitting", submitting_.measure, submitting_.Plan(tasks, rounds), keep)


@app.command()
def recovery(
    rounds: Rounds = 2,
    faults: Annotated[str, typer.Option(help="Of worker, leader, redis, database; comma-separated.")] = "",
    keep: Save = False,
) -> None:
    """How long it takes to go on after each kind of kill."""
    _run("recovery", recovery_.measure, recovery_.Plan(rounds, _words(faults) or tuple(recovery_.FAULTS)), keep)


@app.command()
def limits(
    crowd: Annotated[int, typer.Option(help="Tasks that wait before a lone one.")] = 100_000,
    phase: Annotated[float, typer.Option(help="Seconds for which the upstream has each capacity.")] = 30.0,
    rounds: Rounds = 3,
    keep: Save = False,
) -> None:
    """What limits cost beside a million waiting tasks, and a ceiling that is learnt."""
    _run("limits", limits_.measure, limits_.Plan(crowd=crowd, phase=phase, rounds=rounds), keep)


@app.command()
def events(
    events: Annotated[int, typer.Option(help="Single events of one measurement.")] = 3_000,
    rounds: Rounds = 3,
    keep: Save = False,
) -> None:
    """Events taken in per second, and what a thousand rules cost."""
    _run("events", events_.measure, events_.Plan(events, rounds), keep)


@app.command()
def operations(
    tasks: Annotated[
        int, typer.Option(help="Ended tasks, of five rows each, that are backed up and deleted.")
    ] = 250_000,
    most: Annotated[int, typer.Option(help="Worker processes that a burst may be met with.")] = 8,
    keep: Save = False,
) -> None:
    """A burst met by more processes; backup and retention beside people who submit."""
    _run("operations", operations_.measure, operations_.Plan(tasks=tasks, most=most), keep)


@app.command()
def pages(
    tasks: Annotated[int, typer.Option(help="Tasks that are there.")] = 1_000_000,
    lines: Annotated[int, typer.Option(help="Log lines of each.")] = 10,
    keep: Save = False,
) -> None:
    """How long the console waits for what it shows."""
    _run("pages", pages_.measure, pages_.Plan(tasks=tasks, lines=lines), keep)


@app.command(name="all")
def all_(keep: Save = False) -> None:
    """Every section, half an hour or more."""
    _run("throughput", throughput_.measure, throughput_.Plan(), keep)
    _run("submitting", submitting_.measure, submitting_.Plan(), keep)
    _run("latency", latency_.measure, latency_.Plan(), keep)
    _run("streams", streams_.measure, streams_.Plan(), keep)
    _run("recovery", recovery_.measure, recovery_.Plan(), keep)
    _run("limits", limits_.measure, limits_.Plan(), keep)
    _run("events", events_.measure, events_.Plan(), keep)
    _run("operations", operations_.measure, operations_.Plan(), keep)
    _run("pages", pages_.measure, pages_.Plan(), keep)


@app.command()
def page() -> None:
    """Write the newest results into docs/performance.md and its pictures."""
    from bench.report.page import write

    for path in write():
        print(path)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _run(section: str, measure: Callable[[Servers, Any], Awaitable[Sequence[Row]]], plan: Any, keep: bool) -> None:
    """Measure, show, and keep if wished."""

    async def run() -> Sequence[Row]:
        with Servers() as servers:
            return await measure(servers, plan)

    rows = uvloop.run(run())
    show(Result(section, "", asdict(plan), {}, rows))
    if keep:
        print(save(section, asdict(plan), rows))


if __name__ == "__main__":
    app()
