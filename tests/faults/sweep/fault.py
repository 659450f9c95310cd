"""A fault: what is to happen at which command of a unit of work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

SEEN = 60
"""Characters of a command that tell it from another. (Further on there may be what is drawn anew each time.)"""


class When(StrEnum):
    """At which point of a command."""

    BEFORE = "before"
    """We have sent it and the database has not seen it."""
    AFTER = "after"
    """The database has executed it and we have no answer: if it was COMMIT, we cannot know what came of it."""
    TORN = "torn"
    """A part of the answer has arrived."""


@dataclass
class Fault:
    """What is to happen at the number-th command (from 1)."""

    number: int
    when: When
    holds: bool = False
    """Nothing passes from then on until ``release``; else the connection is cut."""
    instead: Callable[[], None] | None = None
    """Called before the connection is cut: to kill the process, say."""
    met: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has come to that."""
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let pass what was held."""
        self.released.set()


class Commands:
    """What was sent to a database since ``watch``, and the fault that is to meet one of it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        """In order."""
        self._fault: Fault | None = None

    def watch(self, fault: Fault | None = None) -> None:
        """Count from here on, and act at one command if given."""
        self.sent = []
        self._fault = fault

    def heard(self, command: str) -> Fault | None:
        """A command is sent; the fault if it is to meet this one."""
        self.sent.append(command)
        fault = self._fault
        return fault if fault is not None and fault.number == len(self.sent) else None
