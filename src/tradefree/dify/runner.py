"""The runner ``dify.workflow``: performs a task by running a Dify workflow."""

from __future__ import annotations

import asyncio

from tradefree.clock import Clock, SystemClock
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyError
from tradefree.dify.handle import Handle, earlier_attempts, user_of
from tradefree.dify.inputs import WorkflowOptions
from tradefree.dify.seek import Pace, Seeker
from tradefree.dify.watch import Watch
from tradefree.dify.wire import Timeouts
from tradefree.errors import Failed, InvalidInput
from tradefree.tasks.outcome import Completed
from tradefree.tasks.ports import Run
from tradefree.tasks.types import TaskType


class WorkflowRunner:
    """Runs Dify workflows; always streaming, because a blocking run cannot be stopped or found (Dify 1.14.2).

    Each attempt has a ``user`` of its own (``tf-{task}-{attempt}``). What is stored for the next attempt:
    ``{"user", "attempt", "run_id", "task_id", "started_at"}``, the last three as soon as ``workflow_started`` came.

    Codes of the failures it raises: ``dify_run_failed`` (the run said no), ``dify_unavailable``, ``dify_run_lost``
    and ``dify_partial`` are retryable; ``dify_rejected``, ``dify_bad_inputs``, ``bad_input``, ``dify_paused`` and
    ``dify_stopped`` are not; ``stopped`` is the answer to a cancel. They may carry ``usage``.
    """

    name = "dify.workflow"
    resumable = True

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
        self._watches: dict[tuple[str, int], Watch] = {}

    def check(self, task_type: TaskType) -> None:
        """Raise InvalidInput if the type names no connection or has options this runner does not know."""
        if task_type.connection is None:
            raise InvalidInput(
                f"is required: {self.name} needs to know which Dify app to run, and with which key",
                field="connection",
            )
        WorkflowOptions.of(task_type.options)

    async def run(self, run: Run) -> Completed:
        """Run the workflow, or look after the run that an earlier attempt left behind."""
        watch = Watch(run, self._client(run), self._pace, self._clock)
        key = (run.task_id, run.attempt)
        self._watches[key] = watch
        try:
            return await watch.perform()
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
            return await self._stop_left_behind(run, self._client(run))
        except DifyError as error:
            _log(run, "warning", f"Dify could not be asked to stop the run: {error.message}")
            return False

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    async def _stop_left_behind(self, run: Run, client: DifyClient) -> bool:
        handle = await _located(run, Seeker(run, client, self._pace, self._pace.stop_wait))
        if handle is None or handle.run_id is None:
            _log(run, "warning", "No run of this task is known to Dify, so there is nothing to stop yet.")
            return False
        if handle.task_id is not None:
            await client.stop_workflow(handle.task_id, handle.user)
        else:
            _log(run, "warning", f"Run {handle.run_id} cannot be stopped: the id that Dify wants was never seen.")
        loop = asyncio.get_running_loop()
        until = loop.time() + self._pace.stop_wait
        while not (result := (await client.run_detail(handle.run_id)).result).ended:
            if loop.time() >= until:
                _log(run, "info", f"Dify's record still calls run {handle.run_id} {result.status} after the stop.")
                return False
            await asyncio.sleep(min(self._pace.poll, self._pace.stop_wait / 5))
        _log(run, "info", f"Dify run {handle.run_id} has ended: {result.status}.")
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


async def _located(run: Run, seeker: Seeker) -> Handle | None:
    handle = Handle.of(run.state or {}, run.task_id)
    if handle.run_id is not None:
        return handle
    for attempt in earlier_attempts(handle, run.attempt + 1):
        user = user_of(run.task_id, attempt)
        if run_id := await seeker.run_of(user):
            return Handle(user, attempt, run_id)
    return None


def _log(run: Run, level: str, message: str) -> None:
    run.log(level, message, event="dify.run.stop")
