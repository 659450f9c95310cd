"""A worker process whose parent is gone stops, with the patience of an ordinary worker."""

from __future__ import annotations

import signal
import socket
import threading

from tradefree.worker.crew.tether import READY, SHRINKS_WITHIN, Tether


def test_the_parent_hears_that_the_process_takes_work() -> None:
    ours, its = socket.socketpair()
    with ours:
        Tether(its.detach(), 25.0).ready()
        assert ours.recv(1) == READY


def test_the_patience_is_the_parents_as_long_as_there_is_one() -> None:
    ours, its = socket.socketpair()
    tether = Tether(its.detach(), 25.0)
    assert tether.patience() == SHRINKS_WITHIN
    told = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        tether.hold()
        assert not told.wait(0.1)
        ours.close()
        tether._watcher.join(10)
        assert told.wait(10)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert tether.patience() == 25.0
