"""The stand-in as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import orjson

from tradefree.testing.dify_standin.apps import DEMO_APPS
from tradefree.testing.dify_standin.server import DifyStandin


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    apps: Path | str | None = None,
    ledger_file: Path | str | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes a free one; without a file of apps the demo's are served.

    When ready, one JSON line goes to standard output: `url` (a client's base URL), `origin`, `pid`, and
    `apps` with the name and key of each.
    Raises `OSError` if the port is taken or a file can't be opened, `ValidationError` if the apps are wrong.
    """
    standin = DifyStandin(apps or DEMO_APPS, host=host, port=port, ledger_file=ledger_file)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(standin))


async def _serve(standin: DifyStandin) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    async with standin:
        print(_ready_line(standin), flush=True)
        await done.wait()


def _ready_line(standin: DifyStandin) -> str:
    apps = [{"name": app.name, "key": app.key} for app in standin.apps]
    line = {"url": standin.base_url, "origin": standin.origin, "pid": os.getpid(), "apps": apps}
    return orjson.dumps(line).decode()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
