"""Commands that run parts of the system: ``up``, ``api``, ``worker``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.errors import SettingsError

if TYPE_CHECKING:
    from tradefree.settings import Settings

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.", show_default="8080")]
Concurrency = Annotated[int | None, typer.Option(help="Tasks performed at once.", show_default="200")]
Processes = Annotated[
    str | None,
    typer.Option(help="Worker processes to run, or `auto`: as many as waiting tasks need.", show_default="1"),
]
Least = Annotated[int | None, typer.Option("--min", help="Processes at the least, with `auto`.", show_default="1")]
Most = Annotated[
    int | None, typer.Option("--max", help="Processes at the most, with `auto`.", show_default="number of cores")
]
Queues = Annotated[str | None, typer.Option(help="Queues to serve, comma-separated.", show_default="default")]


def up(host: Host = None, port: Port = None, concurrency: Concurrency = None) -> None:
    """Run everything in one process: service, dispatcher, worker, in-memory broker, SQLite file."""
    from tradefree.cli.embedded import run_embedded

    run_embedded(_settings(host=host, port=port, concurrency=concurrency))


def api(host: Host = None, port: Port = None) -> None:
    """Run a task service, with a dispatcher that competes for leadership. Run as many as you like."""
    from tradefree.cli.separate import run_api

    run_api(_settings(host=host, port=port))


def worker(
    concurrency: Concurrency = None,
    queues: Queues = None,
    processes: Processes = None,
    least: Least = None,
    most: Most = None,
    tether: Annotated[int | None, typer.Option(hidden=True, help="From the parent.")] = None,
) -> None:
    """Run a worker. Needs a broker that other processes can reach.

    With several processes a small parent watches them. SIGTERM drains, a second one hands back at once; SIGHUP replaces
    them one by one.
    """
    from tradefree.cli.separate import run_worker, run_workers

    settings = _settings(
        concurrency=concurrency, queues=queues, processes=processes, processes_min=least, processes_max=most
    )
    if settings.processes != "auto" and (least is not None or most is not None):
        raise SettingsError("--min and --max say how far `--processes auto` may go; with a fixed number leave them out")
    if settings.processes == "1":
        run_worker(settings, tether)
    else:
        run_workers(settings)


def _settings(**options: Any) -> Settings:
    """The settings, with the options that were given."""
    from tradefree.settings import load_settings

    return load_settings(**{name: value for name, value in options.items() if value is not None})
