"""``make demo-distributed`` as a person runs it in a pipe: it ends well, and it leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo keeps everything. Its path is short, because sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="tf-"))
    yield folder
    shutil.rmtree(folder)


def start(temporary: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "demo_distributed", *options]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=EXAMPLES, env=environment)


def left_behind(temporary: Path) -> list[str]:
    """Processes that work in its folders, and the folders."""
    working = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()).startswith(str(temporary)):
                working.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended while we looked
            continue
    return working + [path.name for path in temporary.iterdir()]


@pytest.mark.timeout(300)
def test_every_task_completes_once_whatever_is_killed(temporary: Path) -> None:
    demo = start(temporary, "--tasks", "60")
    text, _ = demo.communicate()
    assert demo.returncode == 0, text
    assert "Everything was as promised." in text
    assert "60 accepted, 60 rows" in text
    assert text.count("SIGKILL to ") == 3
    assert "\x1b" not in text
    assert left_behind(temporary) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_everything(temporary: Path, number: signal.Signals, code: int) -> None:
    demo = start(temporary)
    assert demo.stdout is not None
    line = next(line for line in demo.stdout if "ready after" in line)
    demo.send_signal(number)
    text, _ = demo.communicate()
    assert demo.returncode == code, line + text
    assert "Traceback" not in text
    assert left_behind(temporary) == []


def test_what_makes_no_sense_is_refused(temporary: Path) -> None:
    demo = start(temporary, "--tasks", "3")
    demo.communicate()
    assert demo.returncode == 2
