"""A receiver of callbacks beside a test that blocks: in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tradefree.testing.receiver import CallbackReceiver


@contextmanager
def a_receiver() -> Iterator[CallbackReceiver]:
    """Look at ``told`` and set ``reply`` from outside; leave everything else alone."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    receiver = asyncio.run_coroutine_threadsafe(_opened(), loop).result(30)
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(receiver.__aexit__(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


async def _opened() -> CallbackReceiver:
    return await CallbackReceiver().__aenter__()
