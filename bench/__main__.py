"""``python -m bench SECTION``: see ``--help`` and docs/performance.md."""

from __future__ import annotations

from typing import Annotated

import typer
import uvloop

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def _root() -> None:
    pass


@app.command()
def throughput(
    tasks: Annotated[int, typer.Option(help="Tasks of one measurement of Celery; the others' follow.")] = 5000,
    rounds: Annotated[int, typer.Option(help="How often each side is measured.")] = 5,
    only: Annotated[str, typer.Option(help="Beginnings of names of sides, comma-separated.")] = "",
    database: Annotated[str, typer.Option(help="mariadb, mysql, sqlite; comma-separated.")] = "mariadb",
    sizes: Annotated[str, typer.Option(help="Bytes of input and output, comma-separated.")] = "150,5000",
) -> None:
    """Tasks per second, end to end."""
    from bench.servers import Servers
    from bench.sides import Measurement
    from bench.throughput import compare, make_sides

    def report(number: int, done: Measurement) -> None:
        spent = "  ".join(f"{name} {seconds / done.tasks * 1000:.3f}" for name, seconds in done.cpu.items())
        print(
            f"round {number + 1}  {done.side:26} {done.size:5} B  {done.rate:8.0f}/s"
            f"  submitted {done.tasks / done.submit_seconds:8.0f}/s   CPU ms/task: {spent}",
            flush=True,
        )

    async def run() -> None:
        with Servers() as servers:
            sides = make_sides(servers, database.split(","), [name for name in only.split(",") if name])
            await compare(sides, [int(size) for size in sizes.split(",")], tasks, rounds, report)

    uvloop.run(run())


if __name__ == "__main__":
    app()
