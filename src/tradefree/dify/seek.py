"""Finding a run whose beginning nobody saw: by its id, or by the user name that only its attempt used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from tradefree.dify.client import DifyClient
from tradefree.dify.errand import Errand
from tradefree.dify.errors import DifyBusy, DifyNotFound, DifyUnavailable
from tradefree.dify.handle import Handle, earlier_attempts, user_of
from tradefree.errors import OutcomeUnknown
from tradefree.tasks.ports import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the runner is; all in seconds."""

    grace: float = 15.0
    """How long a run is looked for that may have been asked for, before it is taken for never started."""
    lost_after: float = 120.0
    """Silence after which a run that Dify's record calls ``running`` is lost. Dify 1.14.2 pings each 10 s."""
    poll: float = 2.0
    """Between two looks at Dify's record, at first."""
    slowest_poll: float = 15.0
    """Between two looks, later on."""
    stopped_watch: float = 120.0
    """How long the record is watched after a stop that nobody asked for: Dify 1.14.2 says "stopped" to the listener
    when APP_MAX_EXECUTION_TIME is over, and the run goes on and may succeed."""
    stop_heard: float = 2.0
    """How long a stop may go unanswered before the run's stream is left, whose connection Dify may need for it."""
    stop_wait: float = 5.0
    """How long ``stop`` waits to see the end. Dify 1.14.2 ends the stream about a second after a stop."""


class Seeker:
    """Looks for the runs of earlier attempts of one task."""

    def __init__(self, run: Run, client: DifyClient, errand: Errand, pace: Pace, patience: float) -> None:
        self._run = run
        self._errand = errand
        self._client = client
        self._pace = pace
        self._gives_up_at = asyncio.get_running_loop().time() + patience
        self._complained = False

    async def earlier_run(self) -> Handle | None:
        """The run that an earlier attempt left behind, or None if there is none to be seen.

        Raises OutcomeUnknown if Dify cannot be asked in time: then nobody may start another.
        """
        handle = Handle.of(self._run.state or {}, self._run.task_id)
        if handle.known:
            if await self._is_known(handle):
                words = f"An earlier attempt started Dify {handle.words}; looking after that one."
                self._log(words, case="known", run=handle.words)
                return handle
            words = f"Dify does not know {handle.words} of an earlier attempt any more."
            self._log(words, case="gone", run=handle.words)
            if handle.attempt >= self._run.attempt - 1:
                return None
        if not self._errand.findable:
            self._log(
                "An earlier attempt was cut off before Dify named what it started, and nothing can be found without "
                "its name: asking again. If it did arrive, it is paid for twice.",
                level="warning",
                case="nameless",
            )
            return None
        return await self._by_user(earlier_attempts(handle, self._run.attempt), handle)

    async def located(self) -> Handle | None:
        """The run of this or an earlier attempt, without any waiting; None if there is none to be seen."""
        handle = Handle.of(self._run.state or {}, self._run.task_id)
        if handle.known or not self._errand.findable:
            return handle if handle.known else None
        for attempt in earlier_attempts(handle, self._run.attempt + 1):
            user = user_of(self._run.task_id, attempt)
            if found := await self._errand.find(self._client, user, attempt, also_failed=True):
                return found
        return None

    async def _is_known(self, handle: Handle) -> bool:
        try:
            await self._answered(lambda: self._errand.record(self._client, handle))
        except DifyNotFound:
            return False
        return True

    async def _by_user(self, attempts: Iterable[int], known: Handle) -> Handle | None:
        numbers = list(attempts)
        self._log(
            "An earlier attempt was cut off and may have started a run; looking for it in Dify's log.", case="looking"
        )
        waits_until = asyncio.get_running_loop().time() + self._pace.grace
        while numbers:
            for number in numbers:
                if found := await self._of_attempt(number, known):
                    return found
            if asyncio.get_running_loop().time() >= waits_until:
                break
            numbers = numbers[:1]  # an older one would have appeared by now
            await asyncio.sleep(min(self._pace.poll, self._pace.grace))
        self._log("Dify's log has no run of an earlier attempt; starting one.", case="none")
        return None

    async def _of_attempt(self, number: int, known: Handle) -> Handle | None:
        # Failures of attempts before the last are most likely accounted for already, unless the state names them.
        recent = number == self._run.attempt - 1 or known.attempt > 0
        user = user_of(self._run.task_id, number)
        found = await self._answered(lambda: self._errand.find(self._client, user, number, also_failed=recent))
        if found is not None:
            words = f"Found Dify {found.words}, which attempt {number} started; looking after that one."
            self._log(words, case="found", run=found.words, number=number)
        return found

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        pause = self._pace.poll
        while True:
            try:
                return await ask()
            except (DifyBusy, DifyUnavailable) as error:
                if asyncio.get_running_loop().time() + pause >= self._gives_up_at:
                    raise OutcomeUnknown(
                        f"Dify could not be asked what became of the earlier run. {error.message}"
                    ) from error
                if not self._complained:
                    words = f"{error.message} Asking again until it answers."
                    self._log(words, level="warning", case="unanswered", error=error.message)
                    self._complained = True
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._pace.slowest_poll)

    def _log(self, message: str, *, level: str = "info", **data: Any) -> None:
        self._run.log(level, message, event="dify.run.sought", **data)
