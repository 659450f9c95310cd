"""Attempt: perform one task with its runner. Time-outs, cancels and errors become an outcome; nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tradefree.errors import Busy, Failed, OutcomeUnknown, RunLost
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, LetGo, NothingStarted, Outcome, storable
from tradefree.tasks.ports import Run, Runner
from tradefree.tasks.task import LogLine, Task, Usage

STOP_WITHIN = 10.0
"""Seconds the upstream has to confirm that it stopped."""
SETTLE = 1.0
"""Seconds a run has, once stopped, to end by itself and say how."""
UNSEEN = "The run was told to stop, but nobody saw it stop."
STOPPED = "stopped"
"""The code of a failure that only says that the run was stopped as asked."""
STOP_UNSEEN = "stop_unseen"
"""The code of a failure that only says what a run had cost when the wait for its stop was over."""
STARTED = "attempt.started"
"""The event of the line that tells of a claim."""


def started_line(task: Task) -> LogLine:
    """The log line of a claim."""
    assert task.started_at is not None
    what, data = f"Attempt {task.attempt_count} started", {"worker": task.worker_id}
    if task.attempt_count == 1:
        waited = max(0.0, (task.started_at - max(task.created_at, task.run_at)).total_seconds())
        what, data = f"{what} after waiting {waited:.2f} s", {**data, "waited": f"{waited:.2f}"}
    return LogLine(task.id, task.started_at, "info", f"{what}.", STARTED, task.attempt_count, data)


class Attempt:
    """One attempt under way. ``cancel`` asks it to end; cancelling the coroutine drops it without asking anyone."""

    def __init__(
        self, run: Run, runner: Runner, *, cancel_asked: bool = False, on_error: Callable[[Exception], Any]
    ) -> None:
        self._run = run
        self._runner = runner
        self._wish: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once a cancel was asked for."""
        self._on_error = on_error
        if cancel_asked:
            self.cancel()

    @property
    def cancelled(self) -> bool:
        """True once a cancel was asked for."""
        return self._wish.done()

    def cancel(self) -> None:
        """Somebody wants this task cancelled."""
        if not self._wish.done():
            self._wish.set_result(None)

    async def perform(self) -> Outcome:
        """Run to the end, to the time-out or to a cancel."""
        if self.cancelled:
            return await self._let_go_of_earlier_run()
        work = asyncio.create_task(self._work())
        try:
            await asyncio.wait({work, self._wish}, timeout=self._run.timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._outcome(work)
            stopped = await self._stop(work)
            if work.done() and not work.cancelled():
                return self._after_stop(self._outcome(work), confirmed=True)
            return self._after_stop(None, confirmed=stopped)
        finally:
            await _end(work)

    async def _work(self) -> Any:
        """The runner. What would end the event loop (``sys.exit`` in a user's function) ends only this attempt."""
        try:
            return await self._runner.run(self._run)
        except (SystemExit, KeyboardInterrupt, GeneratorExit, StopAsyncIteration) as error:
            raise RuntimeError(f"the runner raised {error!r}") from error

    async def _let_go_of_earlier_run(self) -> Outcome:
        if self._run.state is None:
            return LetGo()
        stopped = await self._ask_to_stop()
        return LetGo(stopped, None if stopped else UNSEEN)

    async def _stop(self, work: asyncio.Task[Any]) -> bool:
        """Ask the runner to stop, give the run a moment to end by itself, then end it; True if it was seen to stop."""
        stopped = await self._ask_to_stop()
        if self._runner.resumable and stopped:
            await asyncio.wait({work}, timeout=SETTLE)
        await _end(work)
        return stopped

    async def _ask_to_stop(self) -> bool:
        if not self._runner.resumable:
            return await self._stopped()
        why = "cancelled" if self.cancelled else "over its time-out"
        case = "cancelled" if self.cancelled else "overtime"
        self._run.log("info", f"The task is {why}: the run is told to stop.", event="run.stop_asked", case=case)
        stopped = await self._stopped()
        words = "The run was seen to stop." if stopped else UNSEEN
        self._run.log("info" if stopped else "warning", words, event="run.stopped" if stopped else "run.stop_unseen")
        return stopped

    async def _stopped(self) -> bool:
        try:
            async with asyncio.timeout(STOP_WITHIN):
                return await self._runner.stop(self._run)
        except TimeoutError:
            return False
        except Exception as error:
            self._on_error(error)
            return False

    def _after_stop(self, outcome: Outcome | None, *, confirmed: bool) -> Outcome:
        """A result that arrived is kept; otherwise it was a cancel or a time-out."""
        if isinstance(outcome, Completed):
            return outcome
        spent, unresolved = Usage(), not confirmed
        if isinstance(outcome, DidNotWork):
            confirmed = confirmed and outcome.code != STOP_UNSEEN
            spent, unresolved = outcome.usage, outcome.unresolved or not confirmed
        if self.cancelled:
            if isinstance(outcome, DidNotWork) and outcome.code not in (STOPPED, STOP_UNSEEN):
                return outcome
            return LetGo(confirmed, None if confirmed else UNSEEN, spent)
        message = f"It took longer than the time-out of {self._run.timeout:g} s."
        still_there = unresolved and self._runner.resumable
        return DidNotWork("timeout", message, retryable=True, usage=spent, unresolved=still_there)

    def _outcome(self, work: asyncio.Task[Any]) -> Outcome:
        try:
            result = work.result()
        except Busy as error:
            return NothingStarted(str(error), error.retry_after, error.unreachable)
        except OutcomeUnknown as error:
            unresolved = self._runner.resumable
            return storable(
                DidNotWork(error.code, str(error), retryable=True, unresolved=unresolved, unreachable=error.unreachable)
            )
        except RunLost as error:
            cost: Usage = getattr(error, "usage", Usage())
            return storable(DidNotWork(error.code, str(error), retryable=True, usage=cost, unknown=True))
        except Failed as error:
            spent: Usage = getattr(error, "usage", Usage())
            return storable(
                DidNotWork(
                    error.code,
                    str(error),
                    error.retryable,
                    error.retry_after,
                    spent,
                    unreachable=error.unreachable,
                )
            )
        except asyncio.CancelledError:
            return DidNotWork("runner_cancelled", "The runner cancelled itself.", retryable=True)
        except Exception as error:
            self._on_error(error)
            return DidNotWork("runner_error", f"{type(error).__name__}: {error}", retryable=True)
        return storable(result) if isinstance(result, Completed | Asked) else Completed(result)


async def _end(work: asyncio.Task[Any]) -> None:
    """Cancel and wait until it has let go; one that will not is left behind, and what it says is not heard."""
    if work.done():
        return
    work.cancel()
    await asyncio.wait({work}, timeout=SETTLE)
    work.add_done_callback(_hear_nothing)


def _hear_nothing(work: asyncio.Task[Any]) -> None:
    if not work.cancelled():
        work.exception()
