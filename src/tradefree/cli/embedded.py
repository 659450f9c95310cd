"""``tradefree up``: the whole system in one process, on one SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvloop
from rich.console import Console

from tradefree.access.scopes import Scope
from tradefree.bootstrap import System, make_celery, make_happened, make_signals, make_store, open_system
from tradefree.cli.serving import listen, serve
from tradefree.clock import SystemClock
from tradefree.database.migrate import upgrade
from tradefree.errors import SettingsError
from tradefree.logs import configure_logging
from tradefree.settings import Settings
from tradefree.worker.embedded import EmbeddedWorker
from tradefree.worker.main import prepare

log = structlog.get_logger(__name__)


def run_embedded(settings: Settings) -> None:
    """Run until interrupted."""
    if not settings.embedded:
        raise SettingsError(
            "TRADEFREE_BROKER_URL: `tradefree up` is for memory://; with a broker run"
            " `tradefree api` and `tradefree worker`"
        )
    configure_logging(settings)
    with (
        contextlib.suppress(KeyboardInterrupt),
        _alone(settings),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_main(settings))


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the lock beside the database file: then every worker of an earlier start is surely dead."""
    if settings.database.get_backend_name() != "sqlite" or not settings.database.database:
        yield
        return
    path = Path(settings.database.database + ".lock")
    if not path.parent.is_dir():
        raise SettingsError(f"TRADEFREE_DATABASE_URL: the folder {path.parent} does not exist")
    try:
        file = path.open("w")
    except OSError as error:
        raise SettingsError(f"TRADEFREE_DATABASE_URL: cannot write {path}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"TRADEFREE_DATABASE_URL: another `tradefree up` runs on {path.with_suffix('')}"
            ) from None
        yield


async def _main(settings: Settings) -> None:
    with contextlib.closing(listen(settings)) as listener:
        store = make_store(settings, SystemClock())
        await upgrade(store.database)
        await store.close()
        celery = make_celery(settings)
        signals = make_signals(settings)
        happened = make_happened()
        prepare(celery, settings, signals, happened)
        async with open_system(settings, signals, celery, happened) as system:
            await system.recovery.bury_all()
            async with EmbeddedWorker(celery) as worker:
                serving = asyncio.create_task(serve(system, listener, on_ready=lambda url: _greet(system, url)))
                working = asyncio.create_task(worker.ended.wait())
                await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
                if not serving.done():
                    log.critical("the worker has ended; so does the system")
                    os.kill(os.getpid(), signal.SIGTERM)
                await serving
            if worker.failed:
                raise SystemExit(os.EX_SOFTWARE)


async def _greet(system: System, url: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    lines = [
        f"[bold]Tradefree AI task system[/bold] {system.version}",
        f"  service  {url}",
        f"  API docs {url}/docs",
    ]
    if not await system.keys.list():
        _, secret = await system.keys.create("admin", frozenset({Scope.ADMIN}))
        lines += [
            f"  [yellow]admin key[/yellow] {secret}   (shown only now; keep it)",
            f"  export TRADEFREE_API_URL={url}",
            f"  export TRADEFREE_API_KEY={secret}",
        ]
    lines.append("Ctrl-C stops it; unfinished tasks go on at the next start.")
    console.print(*lines, sep="\n")  # in one piece, whatever is logged meanwhile
