"""The runners ``dify.workflow``, ``dify.chat`` and ``dify.completion``: perform a task by asking a Dify app."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from tradefree.clock import Clock, SystemClock
from tradefree.dify.client import DifyClient
from tradefree.dify.errand import Errand, WorkflowErrand
from tradefree.dify.errors import DifyError
from tradefree.dify.forms import Forms
from tradefree.dify.options import ChatOptions, CompletionOptions, RunOptions, WorkflowOptions
from tradefree.dify.seek import Pace, Seeker
from tradefree.dify.talking import ChatErrand, CompletionErrand
from tradefree.dify.trace import traced
from tradefree.dify.verdict import RunFailed
from tradefree.dify.watch import Watch
from tradefree.dify.wire import Timeouts
from tradefree.errors import Failed, InvalidInput
from tradefree.tasks.outcome import Asked, Completed
from tradefree.tasks.ports import Run
from tradefree.tasks.types import TaskType

REFUSALS = frozenset({"dify_rejected", "dify_bad_inputs"})
"""Codes of failures after which the app's form may be another than the one that is remembered."""


class DifyRunner:
    """Asks a Dify app; always streaming, because a blocking call cannot be stopped or found (Dify 1.14.2).

    Each attempt has a ``user`` of its own (``tf-{task}-{attempt}``), but for conversations that are kept. What is
    stored for the next attempt is a ``Handle``: its ids as soon as the first event came.

    Codes of the failures it raises: ``dify_run_failed`` (the run said no), ``dify_unavailable``, ``dify_run_lost``
    and ``dify_partial`` are retryable; ``dify_rejected``, ``dify_bad_inputs``, ``bad_input``, ``dify_paused`` and
    ``dify_stopped`` are not; ``stopped`` is the answer to a cancel. They may carry ``usage``.
    """

    name: str
    resumable = True
    options: ClassVar[type[RunOptions]]

    def __init__(
        self,
        *,
        timeouts: Timeouts = Timeouts(),
        pace: Pace = Pace(),
        clock: Clock | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._pace = pace
        self._clock = clock or SystemClock()
        self._clients: dict[tuple[str, str], DifyClient] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forms = Forms()
        self._watches: dict[tuple[str, int], Watch] = {}

    def errand(self, run: Run) -> Errand:
        """What this attempt asks of the app. Raises Failed if its input says nothing that could be asked."""
        raise NotImplementedError

    def check(self, task_type: TaskType) -> None:
        """Raise InvalidInput if the type names no connection or has options this runner does not know."""
        if task_type.connection is None:
            raise InvalidInput(
                f"is required: {self.name} needs to know which Dify app to run, and with which key",
                field="connection",
            )
        self.options.of(task_type.options)

    async def run(self, run: Run) -> Completed | Asked:
        """Ask the app, or look after what an earlier attempt left behind."""
        client, errand = self._client(run), self.errand(run)
        watch = Watch(run, client, errand, self._pace, self._clock)
        key = (run.task_id, run.attempt)
        self._watches[key] = watch
        try:
            with traced(run.traceparent):
                if run.state is None:
                    await self._forms.refuse_misfit(client, errand)
                return await watch.perform()
        except RunFailed as error:
            if error.code in REFUSALS:
                self._forms.forget(client)
            raise
        finally:
            del self._watches[key]

    async def stop(self, run: Run) -> bool:
        """Ask Dify to stop the run; True if its end was seen in ``pace.stop_wait`` seconds.

        Dify 1.14.2 says yes to every stop, lets the node under way finish, and may call the run ``running`` for ever:
        False often means "stopped, but nobody can prove it". A run still queued at Dify cannot be stopped.
        """
        if watch := self._watches.get((run.task_id, run.attempt)):
            return await watch.stop()
        try:
            with traced(run.traceparent):
                return await self._stop_left_behind(run, self._client(run))
        except DifyError as error:
            words = f"Dify could not be asked to stop the run: {error.message}"
            _log(run, "warning", words, case="failed", error=error.message)
            return False

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    async def _stop_left_behind(self, run: Run, client: DifyClient) -> bool:
        errand = self.errand(run)
        handle = await Seeker(run, client, errand, self._pace, self._pace.stop_wait).located()
        if handle is None:
            _log(run, "warning", "No run of this task is known to Dify, so there is nothing to stop yet.", case="none")
            return False
        if handle.task_id is not None:
            await errand.stop(client, handle)
        else:
            words = f"Dify's {handle.words} cannot be stopped: the id that Dify wants was never seen."
            _log(run, "warning", words, case="unnamed", run=handle.words)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._pace.stop_wait
        while not (result := await errand.record(client, handle)).ended:
            if loop.time() >= until:
                words = f"Dify's record still calls {handle.words} {result.status} after the stop."
                _log(run, "info", words, case="goes_on", run=handle.words, status=result.status)
                return False
            await asyncio.sleep(min(self._pace.poll, self._pace.stop_wait / 5))
        words = f"Dify {handle.words} has ended: {result.status}."
        _log(run, "info", words, case="ended", run=handle.words, status=result.status)
        return True

    def _client(self, run: Run) -> DifyClient:
        """The client of the run's connection; clients belong to one event loop, and another loop gets its own."""
        if run.connection is None:
            raise Failed("The task type names no connection.", code="no_connection", retryable=False)
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._clients = loop, {}
        key = (run.connection.base_url, run.connection.api_key)
        if key not in self._clients:
            self._clients[key] = DifyClient(*key, timeouts=self._timeouts)
        return self._clients[key]


def _log(run: Run, level: str, message: str, /, **data: Any) -> None:
    run.log(level, message, event="dify.run.stop", **data)


class WorkflowRunner(DifyRunner):
    """``dify.workflow``: runs workflows."""

    name = "dify.workflow"
    options = WorkflowOptions

    def errand(self, run: Run) -> Errand:
        """See ``DifyRunner``."""
        return WorkflowErrand(run)


class ChatRunner(DifyRunner):
    """``dify.chat``: asks chat, chatflow and agent apps."""

    name = "dify.chat"
    options = ChatOptions

    def errand(self, run: Run) -> Errand:
        """See ``DifyRunner``."""
        return ChatErrand(run)


class CompletionRunner(DifyRunner):
    """``dify.completion``: asks completion apps."""

    name = "dify.completion"
    options = CompletionOptions

    def errand(self, run: Run) -> Errand:
        """See ``DifyRunner``."""
        return CompletionErrand(run)


def dify_runners() -> list[DifyRunner]:
    """One for each kind of app."""
    return [WorkflowRunner(), ChatRunner(), CompletionRunner()]
