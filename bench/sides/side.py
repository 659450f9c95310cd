"""What a side is, and what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measurement:
    """What one side did once."""

    side: str
    tasks: int
    size: int
    """Bytes of JSON a task is given and gives back."""
    seconds: float
    """From the first submit to the end of the last task."""
    submit_seconds: float
    """From the first submit to the answer to the last one."""
    cpu: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each process in that time; ``client`` is who submitted."""


class Side:
    """One side. Only the side under measurement runs."""

    def __init__(self, name: str, label: str, *, share: float = 1.0) -> None:
        self.name = name
        self.label = label
        self.share = share
        """Tasks it gets, compared with the others, so that all take about as long."""
        self.every = 1
        """It is measured in every so-manieth round."""

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def measure(self, tasks: int, size: int) -> Measurement:
        raise NotImplementedError
