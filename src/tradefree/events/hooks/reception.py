"""Take a foreign message in: is it theirs, what does it tell, and what became of it."""

from __future__ import annotations

from collections.abc import Callable

from tradefree.clock import Clock
from tradefree.events.hooks.book import HookBook, MessageCounter
from tradefree.events.hooks.mapping import read
from tradefree.events.hooks.ports import Received
from tradefree.events.hooks.signature import Message, verify
from tradefree.events.intake import Intake
from tradefree.events.ports import Taken
from tradefree.tasks.task import Json

Parse = Callable[[bytes], Json]
"""Reads JSON as strictly as it is stored. Raises InvalidInput."""


class Reception:
    """Takes messages in and counts them. Nothing else is kept of those that are not good."""

    def __init__(self, hooks: HookBook, counter: MessageCounter, intake: Intake, clock: Clock) -> None:
        self._hooks = hooks
        self._counter = counter
        self._intake = intake
        self._clock = clock

    async def take(self, name: str, message: Message, parse: Parse) -> Taken:
        """The event that the message became. Raises NotFound, BadSignature, InvalidInput (it is not JSON, or its event
        would be none), BacklogFull."""
        hook = await self._hooks.hook(name)
        received = Received.BAD_SIGNATURE
        try:
            verify(hook, message, self._clock.now())
            received = Received.NOT_JSON
            body = parse(message.body)
            received = Received.UNMAPPED
            new = read(hook, message, body)
            new.check()
            received = Received.REFUSED
            [taken] = await self._intake.take([new], received_by=f"hook:{hook.name}")
            if isinstance(taken, Exception):
                raise taken
            received = Received.REPEATED if taken.replayed else Received.ACCEPTED
        finally:
            self._counter.count(hook.name, received)
        return taken

    async def close(self) -> None:
        """Write what was counted last."""
        await self._counter.write()
