"""Looking at Dify's record of an attempt's run, when nothing is heard: queued, running, ended or lost?"""

from __future__ import annotations

import asyncio
from typing import Any

from tradefree.clock import Clock
from tradefree.dify.client import DifyClient
from tradefree.dify.errand import Errand
from tradefree.dify.errors import DifyBusy, DifyError, DifyNotFound, DifyUnavailable
from tradefree.dify.handle import Handle
from tradefree.dify.inputs import problem_with
from tradefree.dify.models import PAUSED, RunResult
from tradefree.dify.narrate import Narrator
from tradefree.dify.pause import Reasons
from tradefree.dify.seek import Pace, Seeker
from tradefree.dify.verdict import RunFailed, RunUnaccounted, usage_of
from tradefree.tasks.ports import Run

MARGIN = 0.97
"""The part of the attempt's time after which a run that cannot be accounted for is given up, with words of our own
before the runtime's time-out cuts in."""


class Looking:
    """What is known of one attempt's run, and looking for more."""

    def __init__(self, run: Run, client: DifyClient, errand: Errand, pace: Pace, clock: Clock) -> None:
        self._run = run
        self._client = client
        self._pace = pace
        self._clock = clock
        self._errand = errand
        self._narrator = Narrator(run)
        self._handle = Handle(errand.user, run.attempt)
        self._now = asyncio.get_running_loop().time
        self._ends_at = self._now() + run.timeout * MARGIN
        self._seeker = Seeker(run, client, errand, pace, run.timeout * MARGIN)
        self._requested = False
        self._accepted = False
        self._heard_at = self._now()
        self._form_checked = False
        self._missing_since: float | None = None
        self._can_listen = True
        self._line: asyncio.Timeout | None = None
        """Open while a stream is listened to."""
        self._reasons: Reasons = ()
        """Why the run pauses, as its latest pause said."""
        self._answered: str | None = None
        """The token of the form that this attempt has answered: to pause for it is no news."""
        self._said: set[str] = set()
        self._stop_wanted = False
        self._over = asyncio.Event()
        self._end_seen = False

    async def _find_own(self) -> bool:
        if not self._errand.findable:
            return False
        try:
            found = await self._errand.find(self._client, self._handle.user, self._handle.attempt, also_failed=True)
        except DifyError as error:
            self._say_once("unreachable", error.message, error=error.message)
            return False
        if found is None:
            return False
        await self._adopt(found)
        self._log("info", f"Dify runs it: {found.words}.", "dify.run.found", run=found.words)
        return True

    async def _adopt(self, handle: Handle) -> None:
        self._handle = handle
        if handle.started_at is not None:
            age = max(self._clock.now().timestamp() - handle.started_at, 0.0)
            left = max(self._run.timeout - age, self._pace.grace)
            self._ends_at = min(self._ends_at, self._now() + left)
        if handle.state() != self._run.state:
            await self._run.save(handle.state())
        if self._stop_wanted:
            await self._send_stop()

    async def _look(self, silent: float) -> RunResult | None:
        """Nothing came for ``silent`` seconds: queued, running, ended or lost?"""
        if not self._handle.known and not await self._find_own():
            await self._check_form()
            self._say_once(
                "queued",
                f"Nothing from Dify for {silent:.0f} s and no run in its log: the run waits in Dify's queue "
                "(its workers are busy or none is there). Waiting.",
                seconds=round(silent),
            )
            return None
        record = await self._record()
        if record is not None:
            words = f"The stream fell silent; Dify's record says {record.status}."
            self._log("info", words, "dify.run.looked_up", case="ended", status=record.status)
        elif silent >= self._pace.lost_after:
            raise await self._lost(f"its record says running, but nothing came from it for {silent:.0f} s")
        else:
            self._say_once(
                "silent",
                f"Nothing from Dify for {silent:.0f} s although it pings each 10 s while a run lives; its record says "
                "running. Its worker may have died. Waiting.",
                seconds=round(silent),
            )
        return record

    async def _record(self) -> RunResult | None:
        """Dify's record of the run, if nothing more will change it; None also if Dify does not answer just now."""
        try:
            result = await self._errand.record(self._client, self._handle)
        except (DifyBusy, DifyUnavailable) as error:
            self._say_once("unreachable", error.message, error=error.message)
            return None
        except DifyNotFound as error:
            self._missing_since = self._missing_since or self._now()
            self._say_once("missing", f"{error.message} (Dify may be slow to store a run that has just begun.)")
            return None
        self._missing_since = None
        if result.status == PAUSED and self._answered is not None:
            return None  # perhaps it has not begun to go on yet; if it asks something else, its events tell
        return result if result.settled else None

    async def _check_form(self) -> None:
        """Fail for good if the app's form refuses the inputs, which Dify 1.14.2 does not say in a stream."""
        if self._form_checked or self._errand.version is not None:
            return
        try:
            form = (await self._client.parameters()).form
        except DifyError:
            return
        self._form_checked = True
        if problem := problem_with(form, self._errand.inputs):
            message = f"Dify did not start the run, because its input does not fit the app's form: {problem}."
            raise RunFailed(message, code="dify_bad_inputs", retryable=False)

    async def _lost(self, why: str) -> RunFailed | RunUnaccounted:
        """Give a run up that Dify calls running: it says so for ever when a worker died. It is stopped, in case."""
        await self._send_stop()
        message, usage = f"Dify {self._handle.words} is lost: {why}.", usage_of(self._narrator.meter)
        if self._run.holds_unknown:
            return RunUnaccounted(message, usage=usage)
        return RunFailed(message, code="dify_run_lost", usage=usage)

    @property
    def _stop_asked(self) -> bool:
        """By a cancel, or because the attempt's time is over."""
        return self._stop_wanted or self._run.cancelled

    async def _send_stop(self) -> None:
        if self._handle.task_id is None:
            return
        try:
            await self._errand.stop(self._client, self._handle)
        except DifyError as error:
            words = f"Dify could not be asked to stop the run: {error.message}"
            self._log("warning", words, "dify.run.stop_failed", error=error.message)

    def _say_once(self, case: str, message: str, **data: Any) -> None:
        if case not in self._said:
            self._said.add(case)
            self._log("warning", message, "dify.run.looked_up", case=case, **data)

    def _log(self, level: str, message: str, event: str, **data: Any) -> None:
        self._run.log(level, message, event=event, **data)
