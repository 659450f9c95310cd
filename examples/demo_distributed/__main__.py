"""``make demo-distributed``: ends with 0 only if everything was as promised."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import aiohttp
from rich.console import Console

from demo_distributed import facts, stage, story
from demo_distributed.screen import Screen
from demo_distributed.shop import Shop
from demo_distributed.strikes import Strikes
from demo_distributed.timeline import Timeline
from demo_distributed.verdict import Promise
from demo_distributed.watch import Watch
from demo_distributed.work import LASTS, Work, plan
from tradefree.errors import TradefreeError

MYSQL = "TRADEFREE_TEST_MYSQL_SERVER"
PIPED_WIDTH = 100


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make demo-distributed", description=__doc__)
    parser.add_argument("--tasks", type=int, default=500, help="how many (at least 40)")
    parser.add_argument("--mysql", action="store_true", help=f"MySQL, by the program in {MYSQL}, instead of MariaDB")
    parser.add_argument("--seed", type=int, default=7, help="of the tasks' lengths and customers")
    given = parser.parse_args()
    if given.tasks < 40:
        parser.error("--tasks: at least 40, so that there is a middle to strike in")
    if given.mysql and not os.environ.get(MYSQL):
        parser.error(f"--mysql: {MYSQL} must name a program that starts a MySQL: PROGRAM start PORT FOLDER")
    return given


async def main(given: argparse.Namespace, console: Console, folder: Path) -> int:
    """Start, strike, judge; the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _cancel, asyncio.current_task())
    work = plan(given.tasks, given.seed)
    console.print(f"[bold]{len(work.tasks)} tasks, two services, three workers; three of the parts get killed[/bold]")
    mysql = os.environ[MYSQL] if given.mysql else None
    async with stage.set_up(folder, work, mysql, console.print) as set_up:
        promises = await play(set_up, work, console)
    return conclude(promises, console)


async def play(set_up: stage.Stage, work: Work, console: Console) -> list[Promise]:
    """Submit and strike until all tasks have ended; then tell what came of it."""
    headers = {"Authorization": f"Bearer {set_up.cluster.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        timeline = Timeline()
        watch = Watch(http, set_up, len(work.tasks))
        shop = Shop(http, [service.url for service in set_up.services], work)
        looking = asyncio.create_task(watch.run())
        console.print()
        try:
            async with Screen(console, set_up, watch, timeline).showing(), asyncio.TaskGroup() as group:
                group.create_task(shop.submit_all(LASTS))
                group.create_task(Strikes(set_up, watch, timeline).run())
                group.create_task(watch.until(lambda now: now.ended >= watch.total, "the end of all tasks"))
        finally:
            looking.cancel()
    found = await facts.read(set_up.database_url, set_up.dify.runs())
    return story.tell(console, found, work, shop, timeline)


def conclude(promises: list[Promise], console: Console) -> int:
    """The last line, and the exit code."""
    broken = [promise.words for promise in promises if not promise.kept]
    if broken:
        console.print(f"[red]{len(broken)} of {len(promises)} promises were broken: {'; '.join(broken)}[/]")
        return 1
    console.print("[green]Every task completed, once. Everything was as promised.[/]")
    return 0


def _cancel(task: asyncio.Task[object] | None) -> None:
    if task is not None:
        task.cancel()


def reasons(error: Exception) -> list[str]:
    """The sentences in an error, or in all errors of a group; what is no sentence of ours is raised again."""
    if isinstance(error, ExceptionGroup):
        return [reason for one in error.exceptions for reason in reasons(one)]
    if isinstance(error, TradefreeError):
        return [str(error)]
    raise error


def run() -> int:
    """The exit code: 0 as promised, 1 not, 130, 141 and 143 when a signal ended it."""
    given = options()
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="tradefree-demo-"))
    code = 1
    try:
        code = asyncio.run(main(given, console, folder))
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except asyncio.CancelledError:
        code = 128 + signal.SIGTERM
    except SystemExit:  # Rich's word for: whoever read this went away
        code = 128 + signal.SIGPIPE
    except (TradefreeError, ExceptionGroup) as error:
        for reason in reasons(error):
            console.print(reason, style="red", markup=False)
    finally:
        if code == 1:
            console.print(f"The logs of all processes are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(run())
