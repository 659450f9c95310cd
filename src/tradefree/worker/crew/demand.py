"""What the database says about the crew: how long tasks will wait, and how many its processes have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tradefree.tasks.measure import Measuring
from tradefree.worker.crew.scaling import Demand
from tradefree.worker.main import runs_in


class Watch:
    """Looks at the queues that the crew serves."""

    def __init__(
        self,
        measuring: Measuring,
        queues: Sequence[str],
        pids: Callable[[], Sequence[int]],
        arrived: Callable[[], bool],
    ) -> None:
        self._measuring = measuring
        self._queues = queues
        self._pids = pids
        self._arrived = arrived

    async def look(self) -> Demand:
        """How it is now. Raises StorageUnavailable."""
        pids = self._pids()
        picture = await self._measuring.picture()
        standing = picture.view.standing
        ours = {worker.id for worker in standing.workers if any(runs_in(worker.name, pid) for pid in pids)}
        return Demand(
            predicted=max((picture.queues[q].predicted for q in self._queues if q in picture.queues), default=0.0),
            in_flight=sum(held.count for held in standing.held if held.worker_id in ours),
            arrived=self._arrived() and len(ours) >= len(pids),
        )
