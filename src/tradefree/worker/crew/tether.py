"""What ties a worker process to its parent: one socket, whose other end only the parent has.

The process says on it that it takes work. When the parent is gone, however it died, the socket ends: then the process
drains as if it had been told to stop. The kernel sees to that, so nothing is left behind by ``kill -9``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

import structlog

READY = b"r"
SHRINKS_WITHIN = 3600.0
"""Seconds that a process which is not needed any more may take to end what it has begun. The parent ends this patience
with a second signal when it has to stop itself."""

log = structlog.get_logger(__name__)


class Tether:
    """The end that a worker process holds."""

    def __init__(self, number: int, drain_timeout: float) -> None:
        """``number`` is the file descriptor that the parent has left open for it."""
        self._socket = socket.socket(fileno=number)
        self._drain_timeout = drain_timeout
        self._holds = True
        self._watcher = threading.Thread(target=self._watch, name="tradefree-tether", daemon=True)

    def hold(self) -> None:
        """Watch it from now on."""
        self._watcher.start()

    def ready(self) -> None:
        """Tell the parent that this process takes work."""
        with contextlib.suppress(OSError):
            self._socket.send(READY)

    def patience(self) -> float:
        """Seconds that draining may take: the parent knows when to hurry, as long as there is one."""
        return SHRINKS_WITHIN if self._holds else self._drain_timeout

    def _watch(self) -> None:
        with contextlib.suppress(OSError):
            while self._socket.recv(1):
                pass
        self._holds = False
        log.warning("the parent of this worker process is gone; stopping")
        os.kill(os.getpid(), signal.SIGTERM)
