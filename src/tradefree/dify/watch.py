"""One attempt's conversation with Dify about one run: start it or find it, listen, look when it falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from tradefree.clock import Clock
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyBusy, DifyError, DifyNotFound, DifyRejected, DifyUnavailable, DifyUncertain
from tradefree.dify.handle import Handle, user_of
from tradefree.dify.inputs import WorkflowOptions, inputs_for, problem_with
from tradefree.dify.models import PING, SILENCE, WORKFLOW_ENDS, RunResult, StreamEvent
from tradefree.dify.narrate import Narrator
from tradefree.dify.seek import Pace, Seeker
from tradefree.dify.verdict import RunFailed, is_stop, runner_error, settle, usage_of
from tradefree.errors import OutcomeUnknown
from tradefree.tasks.outcome import Completed
from tradefree.tasks.ports import Run

MARGIN = 0.97
"""The part of the attempt's time after which a run that cannot be accounted for is given up, with words of our own
before the runtime's time-out cuts in."""


class Watch:
    """Performs one attempt. ``stop`` may be called beside ``perform``."""

    def __init__(self, run: Run, client: DifyClient, pace: Pace, clock: Clock) -> None:
        self._run = run
        self._client = client
        self._pace = pace
        self._clock = clock
        self._options = WorkflowOptions.of(run.options)
        self._narrator = Narrator(run)
        self._handle = Handle(user_of(run.task_id, run.attempt), run.attempt)
        self._now = asyncio.get_running_loop().time
        self._ends_at = self._now() + run.timeout * MARGIN
        self._seeker = Seeker(run, client, pace, run.timeout * MARGIN)
        self._inputs = inputs_for(self._options, run.input_data)
        self._requested = False
        self._accepted = False
        self._heard_at = self._now()
        self._form_checked = False
        self._missing_since: float | None = None
        self._can_listen = True
        self._said: set[str] = set()
        self._stop_wanted = False
        self._over = asyncio.Event()
        self._end_seen = False

    async def perform(self) -> Completed:
        """The task's result. Raises what the runner contract allows."""
        try:
            result = await self._believable(await self._result())
        except DifyError as error:
            started, usage = self._handle.run_id is not None, usage_of(self._narrator.meter)
            raise runner_error(error, started=started, usage=usage) from error
        else:
            self._end_seen = True
            usage = usage_of(self._narrator.meter, result)
            return settle(result, usage, self._options, stop_asked=self._stop_asked)
        finally:
            self._over.set()

    async def stop(self) -> bool:
        """Ask Dify to stop the run, at once or as soon as it can be named; True once its end was seen.

        Also called when the attempt's time is over. A run that has no id yet leaves a trace, for it may start later.
        """
        self._stop_wanted = True
        if self._requested and self._handle.run_id is None:
            await self._run.save(self._handle.state())
        await self._send_stop()
        try:
            async with asyncio.timeout(self._pace.stop_wait):
                await self._over.wait()
        except TimeoutError:
            return False
        return self._end_seen

    # ── beginning ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _result(self) -> RunResult:
        if self._run.state is not None and (found := await self._seeker.earlier_run()):
            await self._adopt(found)
            return await self._follow()
        return await self._start()

    async def _start(self) -> RunResult:
        if self._run.cancelled:
            raise RunFailed("Cancelled before a run was started.", code="stopped", retryable=False)
        stream = self._client.run_workflow_stream(
            self._inputs, self._handle.user, workflow_id=self._options.workflow_id
        )
        self._requested = True
        try:
            return await self._listen(stream, pings_are_life=True)
        except DifyUncertain as error:
            self._log("warning", f"{error.message} Looking for the run at Dify.", "dify.stream.lost")
            if self._handle.run_id is None:
                await self._wait_for_run(error)
            return await self._follow()

    async def _wait_for_run(self, cause: DifyError) -> None:
        """Until the run that was asked for appears in Dify's log; OutcomeUnknown if it does not.

        A request that Dify accepted may be queued for long and will run whenever a worker is free.
        """
        gives_up_at = self._ends_at if self._accepted else min(self._ends_at, self._now() + self._pace.grace)
        pause = self._pace.poll
        while not await self._find_own():
            await self._check_form()
            if self._now() >= gives_up_at:
                await self._run.save(self._handle.state())
                where = "accepted the request and shows no run for it" if self._accepted else "shows no run for it yet"
                raise OutcomeUnknown(f"{cause.message} Dify {where}.") from cause
            await asyncio.sleep(min(pause, max(gives_up_at - self._now(), 0.0)))
            pause = min(pause * 1.5, self._pace.slowest_poll)

    async def _find_own(self) -> bool:
        try:
            run_id = await self._seeker.run_of(self._handle.user)
        except DifyError as error:
            self._say_once("unreachable", error.message)
            return False
        if run_id is None:
            return False
        await self._adopt(Handle(self._handle.user, self._handle.attempt, run_id))
        self._log("info", f"Dify runs it: run {run_id}.", "dify.run.found")
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

    # ── listening ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _listen(self, stream: AsyncGenerator[StreamEvent, None], *, pings_are_life: bool) -> RunResult:
        async with aclosing(stream) as events:
            async for event in events:
                if event.event == SILENCE:
                    result = await self._look(event.fields["seconds"])
                elif event.event == PING:
                    result = await self._hear_ping(pings_are_life)
                else:
                    result = await self._hear(event)
                if result is not None:
                    return result
        raise DifyUncertain("The stream ended.", code="no_end")

    async def _hear(self, event: StreamEvent) -> RunResult | None:
        self._accepted = True
        self._heard_at = self._now()
        await self._note_ids(event)
        self._narrator.hear(event)
        if event.event == "error":
            self._end_seen = True
            usage = usage_of(self._narrator.meter)
            raise runner_error(self._client.error_of(event), started=self._handle.run_id is not None, usage=usage)
        return RunResult.of_event(event) if event.event in WORKFLOW_ENDS else None

    async def _hear_ping(self, is_life: bool) -> RunResult | None:
        self._accepted = True
        if is_life or self._now() - self._heard_at < self._client.timeouts.quiet:
            return None
        self._heard_at = self._now()
        return await self._record()

    async def _note_ids(self, event: StreamEvent) -> None:
        before, self._handle = self._handle, self._handle.with_ids_of(event, self._clock.now().timestamp())
        if self._handle == before:
            return
        await self._run.save(self._handle.state())
        if before.run_id is None:
            self._run.log(
                "info",
                f"Dify run {self._handle.run_id} started.",
                event="dify.run.started",
                run_id=self._handle.run_id,
                task_id=self._handle.task_id,
                user=self._handle.user,
            )
        if self._stop_wanted and before.task_id is None:
            await self._send_stop()

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self, silent: float) -> RunResult | None:
        """Nothing came for ``silent`` seconds: queued, running, ended or lost?"""
        if self._handle.run_id is None and not await self._find_own():
            await self._check_form()
            self._say_once(
                "queued",
                f"Nothing from Dify for {silent:.0f} s and no run in its log: the run waits in Dify's queue "
                "(its workers are busy or none is there). Waiting.",
            )
            return None
        record = await self._record()
        if record is not None:
            self._log("info", f"The stream fell silent; Dify's record says {record.status}.", "dify.run.looked_up")
        elif silent >= self._pace.lost_after:
            raise await self._lost(f"its record says running, but nothing came from it for {silent:.0f} s")
        else:
            self._say_once(
                "silent",
                f"Nothing from Dify for {silent:.0f} s although it pings each 10 s while a run lives; its record says "
                "running. Its worker may have died. Waiting.",
            )
        return record

    async def _record(self) -> RunResult | None:
        """Dify's record of the run, if nothing more will change it; None also if Dify does not answer just now."""
        try:
            result = (await self._client.run_detail(self._handle.run_id or "")).result
        except (DifyBusy, DifyUnavailable) as error:
            self._say_once("unreachable", error.message)
            return None
        except DifyNotFound as error:
            self._missing_since = self._missing_since or self._now()
            self._say_once("missing", f"{error.message} (Dify may be slow to store a run that has just begun.)")
            return None
        self._missing_since = None
        return result if result.settled else None

    async def _check_form(self) -> None:
        """Fail for good if the app's form refuses the inputs, which Dify 1.14.2 does not say in a stream."""
        if self._form_checked or self._options.workflow_id is not None:
            return
        try:
            form = (await self._client.parameters()).form
        except DifyError:
            return
        self._form_checked = True
        if problem := problem_with(form, self._inputs):
            message = f"Dify did not start the run, because its input does not fit the app's form: {problem}."
            raise RunFailed(message, code="dify_bad_inputs", retryable=False)

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _follow(self) -> RunResult:
        """The end of a run that goes on without us, by listening again or else by looking again and again."""
        pause = self._pace.poll
        while (result := await self._record()) is None:
            left = self._ends_at - self._now()
            if self._missing_since is not None and self._now() - self._missing_since >= self._pace.grace:
                raise await self._lost("Dify does not know it any more")
            if left <= 0:
                raise await self._lost("its record says running, but its time is over")
            if self._can_listen and (result := await self._listen_again(left)) is not None:
                break
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, self._pace.slowest_poll)
        self._log("info", f"Dify run {self._handle.run_id} is {result.status}.", "dify.run.adopted")
        return result

    async def _listen_again(self, left: float) -> RunResult | None:
        stream = self._client.workflow_events(self._handle.run_id or "", self._handle.user, total=left)
        try:
            return await self._listen(stream, pings_are_life=False)
        except DifyRejected as error:
            self._can_listen = False
            self._log(
                "info", f"Dify does not let us listen again, so polling it is. {error.message}", "dify.run.polled"
            )
        except DifyError as error:
            self._say_once("cut", error.message)
        return None

    async def _lost(self, why: str) -> RunFailed:
        """Give a run up that Dify calls running: it says so for ever when a worker died. It is stopped, in case."""
        await self._send_stop()
        return RunFailed(
            f"Dify run {self._handle.run_id} is lost: {why}.",
            code="dify_run_lost",
            usage=usage_of(self._narrator.meter),
        )

    async def _believable(self, result: RunResult) -> RunResult:
        """The result, or what the record says if Dify claims a stop that nobody here asked for."""
        if not is_stop(result) or self._stop_asked:
            return result
        words = "Dify says the run was stopped, and nobody asked for it here: watching its record."
        self._log("warning", words, "dify.run.looked_up")
        until = min(self._ends_at, self._now() + self._pace.stopped_watch)
        while self._now() < until and not self._stop_asked:
            if (record := await self._record()) is not None:
                return record
            await asyncio.sleep(self._pace.poll)
        return result

    @property
    def _stop_asked(self) -> bool:
        """By a cancel, or because the attempt's time is over."""
        return self._stop_wanted or self._run.cancelled

    # ── small things ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send_stop(self) -> None:
        if self._handle.task_id is None:
            return
        try:
            await self._client.stop_workflow(self._handle.task_id, self._handle.user)
        except DifyError as error:
            self._log("warning", f"Dify could not be asked to stop the run: {error.message}", "dify.run.stop_failed")

    def _say_once(self, about: str, message: str) -> None:
        if about not in self._said:
            self._said.add(about)
            self._log("warning", message, "dify.run.looked_up")

    def _log(self, level: str, message: str, event: str) -> None:
        self._run.log(level, message, event=event)
