"""Benchmarks of the task system: ``python -m bench SECTION``. What each number means: docs/performance.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
import uvloop

from bench.report.tables import show
from bench.results import Result, Row, save
from bench.sections import latency as latency_
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


@app.command(name="all")
def all_(keep: Save = False) -> None:
    """Every section, some twenty minutes."""
    _run("throughput", throughput_.measure, throughput_.Plan(), keep)
    _run("submitting", submitting_.measure, submitting_.Plan(), keep)
    _run("latency", latency_.measure, latency_.Plan(), keep)
    _run("streams", streams_.measure, streams_.Plan(), keep)
    _run("recovery", recovery_.measure, recovery_.Plan(), keep)


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
