"""Child processes that tests, demos and benchmarks start, kill, freeze and start again."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tradefree.errors import TradefreeError

PATIENCE = 60.0
"""Seconds a process may take to become ready."""


PORTS = range(10_000, 32_768)
"""Below those that systems lend to clients: a port that is free now would else be some connection's a second later."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now, and that no client will be lent."""
    while True:
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class Child:
    """One process with a folder and a port of its own. It ends when the process that started it does (Linux)."""

    dies_by = "KILL"
    """The signal it gets then."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="tradefree-"))
        self.port = free_port()
        self.environment: Mapping[str, str] | None = None
        """None: ours."""
        self._process: subprocess.Popen[bytes] | None = None

    # what a kind of process says of itself

    def command(self) -> Sequence[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def answers(self) -> bool:
        """True if it is ready now."""
        raise NotImplementedError

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        return type(self).__name__.lower()

    @property
    def log(self) -> Path:
        """Where its output goes, over all its starts."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it lives or was never started."""
        return None if self._process is None else self._process.poll()

    def start(self, *, wait: bool = True) -> None:
        """Start (again); returns when it is ready, or at once."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_dies_with_us(self.dies_by), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, patience: float = PATIENCE) -> None:
        """Return when it answers; raise TradefreeError with the end of its log if it ended or takes too long."""
        deadline = time.monotonic() + patience
        while not self.answers():
            if time.monotonic() > deadline or not self.lives:
                said = self.log.read_text(errors="replace")[-2000:]
                raise TradefreeError(f"{self.name} does not start; its log ends:\n{said}")
            time.sleep(0.05)

    def send(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if self.lives:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def freeze(self) -> None:
        """It stands still until ``thaw``, and does not know it."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: it may not even say good-bye. Returns when it is gone."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM, patience: float = 40.0) -> None:
        """Ask it to end and wait; SIGKILL when patience runs out."""
        self.send(number)
        self.send(signal.SIGCONT)
        if self._process is None:
            return
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self, patience: float = 40.0) -> None:
        """Return when it has ended by itself; TradefreeError with the end of its log if it does not."""
        assert self._process is not None
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            said = self.log.read_text(errors="replace")[-2000:]
            raise TradefreeError(f"{self.name} does not end; its log ends:\n{said}") from None

    def stop(self) -> None:
        """End it in an orderly way."""
        self.end()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _dies_with_us(by: str) -> Sequence[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", by, "--"] if setpriv else []
