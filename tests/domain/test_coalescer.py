"""Many small requests, few writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tradefree.batching import Coalescer


class Writer:
    """Remembers batches; each write waits until it is let go. A negative item is refused."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None

    async def write(self, batch: list[int]) -> Sequence[str | Exception]:
        self.batches.append(batch)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return [ValueError(str(item)) if item < 0 else f"wrote {item}" for item in batch]


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_one_item_is_written_at_once() -> None:
    writer = Writer()
    assert await Coalescer(writer.write).put(1) == "wrote 1"
    assert writer.batches == [[1]]


async def test_items_that_come_during_a_write_share_the_next() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write)
    writer.go.clear()
    first = asyncio.create_task(coalescer.put(0))
    await turns()
    others = [asyncio.create_task(coalescer.put(n)) for n in range(1, 6)]
    await turns()
    writer.go.set()
    assert await asyncio.gather(first, *others) == [f"wrote {n}" for n in range(6)]
    assert writer.batches == [[0], [1, 2, 3, 4, 5]]


async def test_batches_end_at_their_bounds() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write, max_items=3)
    await asyncio.gather(*(coalescer.put(n) for n in range(8)))
    assert writer.batches == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_batches_end_at_their_weight() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write, max_bytes=10, size=lambda item: item)
    await asyncio.gather(*(coalescer.put(n) for n in (4, 6, 1, 50, 9, 1)))
    assert writer.batches == [[4, 6], [1], [50], [9, 1]]


async def test_each_gets_what_was_said_of_its_item() -> None:
    coalescer = Coalescer(Writer().write)
    outcomes = await asyncio.gather(*(coalescer.put(n) for n in (1, -2, 3)), return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == ("wrote 1", "wrote 3")
    assert isinstance(outcomes[1], ValueError)


async def test_a_write_that_fails_is_told_to_all_of_its_batch_and_ends_nothing() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write)
    writer.error = RuntimeError("away")
    outcomes = await asyncio.gather(*(coalescer.put(n) for n in range(3)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {RuntimeError}
    writer.error = None
    assert await coalescer.put(9) == "wrote 9"


async def test_a_caller_that_goes_away_harms_nobody_and_its_item_is_written() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write)
    writer.go.clear()
    calls = [asyncio.create_task(coalescer.put(n)) for n in range(4)]
    await turns()
    calls[0].cancel()
    calls[2].cancel()
    await turns()
    writer.go.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, str, asyncio.CancelledError, str]
    assert sorted(item for batch in writer.batches for item in batch) == [0, 1, 2, 3]
    assert await coalescer.put(5) == "wrote 5"


async def test_a_caller_that_goes_away_before_its_write_harms_nobody() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write)
    call = asyncio.create_task(coalescer.put(1))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await coalescer.put(2) == "wrote 2"


async def test_order_is_kept() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write, max_items=7)
    await asyncio.gather(*(coalescer.put(n) for n in range(100)))
    assert [item for batch in writer.batches for item in batch] == list(range(100))


async def test_what_comes_during_the_pause_goes_together() -> None:
    writer = Writer()
    coalescer = Coalescer(writer.write, pause=0.05)
    assert await coalescer.put(1) == "wrote 1"
    assert await asyncio.gather(*(coalescer.put(item) for item in (2, 3))) == ["wrote 2", "wrote 3"]
    assert writer.batches == [[1], [2, 3]]
