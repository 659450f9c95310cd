"""The product as a side."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from bench.cpu import CpuMeter
from bench.load import Target, send_all
from bench.payload import payload
from bench.product import Product
from bench.servers import Servers
from bench.sides.side import Measurement, Side

CONNECTIONS = 32
"""HTTP connections of the clients that submit task by task."""
BATCH_CONNECTIONS = 4
BATCH_BYTES = 1_000_000
"""A batch has up to 1,000 tasks and about so many bytes."""


class ProductSide(Side):
    """The product on one database, with batched or single submits."""

    def __init__(self, servers: Servers, database: str, *, batched: bool, concurrency: int, share: float) -> None:
        name = f"tradefree-{'batch' if batched else 'single'}-{database}"
        super().__init__(name, f"Tradefree, {'batches' if batched else 'single POSTs'} ({database})", share=share)
        self._servers = servers
        self._database = database
        self._batched = batched
        self._concurrency = concurrency
        self._product: Product | None = None

    async def start(self) -> None:
        if self._product is None:
            url = await self._servers.fresh_database(self._database)
            self._product = Product(self._servers, self._database, url, concurrency=self._concurrency)
        await self._product.__aenter__()
        await self.measure(100, 150)  # connections are open then, code is loaded

    async def stop(self) -> None:
        if self._product is not None:
            await self._product.__aexit__(None, None, None)

    async def measure(self, tasks: int, size: int) -> Measurement:
        assert self._product is not None
        product = self._product
        requests = (batches if self._batched else singles)(product.target, tasks, size)
        before = await product.completed()
        meter = CpuMeter(product.pids())
        began = time.monotonic()
        await send_all(product.target, requests, BATCH_CONNECTIONS if self._batched else CONNECTIONS)
        submitted = time.monotonic()
        ended = await product.until_completed(before + tasks)
        return Measurement(self.name, tasks, size, ended - began, submitted - began, meter.read())


def singles(target: Target, tasks: int, size: int) -> Sequence[bytes]:
    """One request for each task."""
    body = json.dumps({"type": "echo", "input_data": payload(size)}).encode()
    return [target.post("/api/v1/tasks", body)] * tasks


def batches(target: Target, tasks: int, size: int) -> Sequence[bytes]:
    """Requests with many tasks each, as newline-delimited JSON."""
    line = json.dumps({"type": "echo", "input_data": payload(size)}).encode()
    each = max(1, min(1000, BATCH_BYTES // len(line)))
    sizes = [each] * (tasks // each) + ([tasks % each] if tasks % each else [])
    made = {n: target.post("/api/v1/tasks/batch", b"\n".join([line] * n), "application/x-ndjson") for n in sizes}
    return [made[n] for n in sizes]
