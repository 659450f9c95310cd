"""One attempt's conversation with Dify about one run: start it or find it, listen, look when it falls silent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tradefree.dify.errors import DifyError, DifyUncertain
from tradefree.dify.handle import Handle
from tradefree.dify.listening import Listening
from tradefree.dify.models import PAUSED, RunResult
from tradefree.dify.pause import hand_in, question_of
from tradefree.dify.verdict import RunFailed, RunUnaccounted, is_stop, runner_error, settle, usage_of
from tradefree.errors import OutcomeUnknown
from tradefree.tasks.attempt import STOP_UNSEEN, UNSEEN
from tradefree.tasks.outcome import Asked, Completed
from tradefree.tasks.questions import Question


class Watch(Listening):
    """Performs one attempt. ``stop`` may be called beside ``perform``."""

    async def perform(self) -> Completed | Asked:
        """The task's result. Raises what the runner contract allows."""
        try:
            result = await self._believable(await self._result())
        except DifyError as error:
            started, usage = self._handle.known, usage_of(self._narrator.meter)
            raise runner_error(error, started=started, usage=usage) from error
        except asyncio.CancelledError:
            if self._stop_wanted:
                raise RunFailed(UNSEEN, code=STOP_UNSEEN, usage=usage_of(self._narrator.meter)) from None
            raise
        else:
            self._end_seen = True
            usage = usage_of(self._narrator.meter, result)
            self._tell_end(result)
            if result.status == PAUSED and (question := await self._question()):
                return Asked(question, usage)
            return settle(result, usage, self._errand.options, stop_asked=self._stop_asked)
        finally:
            self._narrator.close()
            self._over.set()

    async def stop(self) -> bool:
        """Ask Dify to stop the run, at once or as soon as it can be named; True once its end was seen.

        Also called when the attempt's time is over. A run that has no id yet leaves a trace, for it may start later.
        """
        self._stop_wanted = True
        if self._requested and not self._handle.known:
            await self._run.save(self._handle.state())
        until = self._now() + self._pace.stop_wait
        sending = asyncio.create_task(self._send_stop())
        try:
            await asyncio.wait({sending}, timeout=self._pace.stop_heard)
            if not sending.done():
                self._hang_up()
            async with asyncio.timeout_at(until):
                await sending
                await self._over.wait()
        except TimeoutError:
            return False
        finally:
            sending.cancel()
        return self._end_seen

    # ── beginning ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _result(self) -> RunResult:
        if self._run.state is not None and (found := await self._seeker.earlier_run()):
            await self._adopt(await self._answer(found))
            if found.outlives_us or (result := await self._left_answer()) is None:
                return await self._follow() if found.outlives_us else await self._start_again()
            return result
        if self._run.state is not None and self._run.holds_unknown:
            raise RunUnaccounted("An earlier attempt may have started a run, and Dify shows none.")
        return await self._start()

    async def _answer(self, handle: Handle) -> Handle:
        """Hand a person's answer in, if there is one. From then on the run has the attempt's whole time again."""
        if self._run.answer is None or self._run.cancelled or handle.run_id is None:
            return handle
        self._answered = await hand_in(self._run, self._client, self._run.answer, handle.user)
        return replace(handle, started_at=self._clock.now().timestamp())

    async def _left_answer(self) -> RunResult | None:
        """An answer that was complete when its listener left; looked for a little while, for it may be just coming."""
        until = min(self._ends_at, self._now() + self._pace.grace)
        while True:
            result = await self._record()
            if result is not None or self._now() >= until or self._stop_asked:
                return result
            await asyncio.sleep(self._pace.poll)

    async def _start_again(self) -> RunResult:
        words = (
            f"Dify {self._handle.words} has no answer: Dify drops an answer whose listener leaves. Asking again; what "
            "the first one cost is paid for nothing."
        )
        if self._run.holds_unknown:
            raise RunUnaccounted(
                f"Dify {self._handle.words} has no answer: Dify drops an answer whose listener leaves."
            )
        self._log("warning", words, "dify.run.lost", run=self._handle.words)
        self._handle = Handle(self._errand.user, self._run.attempt)
        return await self._start()

    async def _start(self) -> RunResult:
        if self._run.cancelled:
            raise RunFailed("Cancelled before a run was started.", code="stopped", retryable=False)
        await self._errand.prepare(self._client)
        stream = self._errand.start(self._client)
        self._requested = True
        try:
            return await self._listen(stream, pings_are_life=True)
        except DifyUncertain as error:
            words = f"{error.message} Looking for the run at Dify."
            self._log("warning", words, "dify.stream.lost", error=error.message)
            if not self._handle.known:
                await self._wait_for_run(error)
            return await self._follow()

    async def _wait_for_run(self, cause: DifyError) -> None:
        """Until the run that was asked for appears in Dify's log; OutcomeUnknown if it does not.

        A request that Dify accepted may be queued for long and will run whenever a worker is free.
        """
        patience = self._pace.grace if self._errand.findable else 0.0
        gives_up_at = self._ends_at if self._queued else min(self._ends_at, self._now() + patience)
        pause = self._pace.poll
        while not await self._find_own():
            await self._check_form()
            if self._now() >= gives_up_at:
                await self._run.save(self._handle.state())
                where = "accepted the request and shows no run for it" if self._queued else "shows no run for it yet"
                raise OutcomeUnknown(f"{cause.message} Dify {where}.") from cause
            await asyncio.sleep(min(pause, max(gives_up_at - self._now(), 0.0)))
            pause = min(pause * 1.5, self._pace.slowest_poll)

    @property
    def _queued(self) -> bool:
        """Dify took the request, so it may be in its queue, and what comes of it can be found."""
        return self._accepted and self._errand.findable

    # ── ending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _follow(self) -> RunResult:
        """The end of a run that goes on without us, by listening again or else by looking again and again."""
        pause = self._pace.poll
        if not self._handle.outlives_us:
            if (answer := await self._left_answer()) is not None:
                return answer
            raise await self._lost("Dify drops an answer whose listener is gone")
        while (result := await self._record()) is None:
            left = self._ends_at - self._now()
            if self._missing_since is not None and self._now() - self._missing_since >= self._pace.grace:
                raise await self._lost("Dify does not know it any more")
            if left <= 0:
                raise await self._lost("its record says running, but its time is over")
            if self._can_listen and self._handle.run_id and (result := await self._listen_again(left)) is not None:
                break
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, self._pace.slowest_poll)
        words = f"Dify {self._handle.words} is {result.status}."
        self._log("info", words, "dify.run.adopted", run=self._handle.words, status=result.status)
        return result

    async def _believable(self, result: RunResult) -> RunResult:
        """The result, or what the record says if Dify claims a stop that nobody here asked for."""
        if self._stop_asked:
            return self._errand.if_stopped(result)
        if not is_stop(result):
            return result
        words = "Dify says the run was stopped, and nobody asked for it here: watching its record."
        self._log("warning", words, "dify.run.looked_up", case="stopped")
        until = min(self._ends_at, self._now() + self._pace.stopped_watch)
        while self._now() < until and not self._stop_asked:
            if (record := await self._record()) is not None:
                return record
            await asyncio.sleep(self._pace.poll)
        return result

    async def _question(self) -> Question | None:
        """What the paused run asks. Its record does not tell, but its events do."""
        if not self._reasons and self._handle.run_id and self._can_listen:
            await self._listen_again(self._pace.grace)
        return await question_of(self._client, self._reasons)
