"""What is asked of an app: how it begins, which event ends it, how it is stopped, and how its record is found.

``Watch`` and ``Seeker`` are the same for every kind of app; this is what is not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from tradefree.dify.attach import attached
from tradefree.dify.client import DifyClient
from tradefree.dify.handle import Handle, user_of
from tradefree.dify.inputs import inputs_for
from tradefree.dify.models import FAILED, STOPPED, WORKFLOW_ENDS, RunResult, StreamEvent
from tradefree.dify.options import RunOptions, WorkflowOptions
from tradefree.tasks.ports import Run


class Errand(Protocol):
    """One attempt's question to one app. Raises InvalidInput or Failed when made from what cannot be asked."""

    @property
    def options(self) -> RunOptions: ...

    @property
    def inputs(self) -> Mapping[str, Any]: ...

    @property
    def version(self) -> str | None:
        """The published version that is asked for, if not the latest."""
        ...

    @property
    def user(self) -> str:
        """Dify's ``user`` of this attempt."""
        ...

    @property
    def findable(self) -> bool:
        """Whether an attempt's run can be found by its ``user`` alone."""
        ...

    async def prepare(self, client: DifyClient) -> None:
        """What must be done before the call, and starts nothing: files, the conversation."""
        ...

    def start(self, client: DifyClient) -> AsyncGenerator[StreamEvent, None]:
        """Ask."""
        ...

    def result_of(self, event: StreamEvent) -> RunResult | None:
        """Hear an event; the result if it is the last one."""
        ...

    def if_stopped(self, result: RunResult) -> RunResult:
        """The result in the light of a stop that was asked for here."""
        ...

    async def stop(self, client: DifyClient, handle: Handle) -> None:
        """Ask Dify to stop it."""
        ...

    async def record(self, client: DifyClient, handle: Handle) -> RunResult:
        """What Dify has stored of it. DifyNotFound if nothing."""
        ...

    async def find(self, client: DifyClient, user: str, attempt: int, *, also_failed: bool) -> Handle | None:
        """The latest that ``user`` asked, if it is to be seen; without a failed or stopped one unless asked for."""
        ...


class WorkflowErrand:
    """Run a workflow."""

    findable = True

    def __init__(self, run: Run) -> None:
        self.options = WorkflowOptions.of(run.options)
        self.inputs: Mapping[str, Any] = inputs_for(self.options, run.input_data)
        self.version = self.options.workflow_id
        self.user = user_of(run.task_id, run.attempt)

    async def prepare(self, client: DifyClient) -> None:
        """See ``Errand``."""
        self.inputs = await attached(client, self.inputs, self.user)

    def start(self, client: DifyClient) -> AsyncGenerator[StreamEvent, None]:
        """See ``Errand``."""
        return client.run_workflow_stream(self.inputs, self.user, workflow_id=self.version)

    def result_of(self, event: StreamEvent) -> RunResult | None:
        """See ``Errand``."""
        return RunResult.of_event(event) if event.event in WORKFLOW_ENDS else None

    def if_stopped(self, result: RunResult) -> RunResult:
        """See ``Errand``: a workflow says itself that it was stopped."""
        return result

    async def stop(self, client: DifyClient, handle: Handle) -> None:
        """See ``Errand``."""
        await client.stop_workflow(handle.task_id or "", handle.user)

    async def record(self, client: DifyClient, handle: Handle) -> RunResult:
        """See ``Errand``."""
        return (await client.run_detail(handle.run_id or "")).result

    async def find(self, client: DifyClient, user: str, attempt: int, *, also_failed: bool) -> Handle | None:
        """See ``Errand``: not while the run is queued."""
        page = await client.workflow_logs(created_by_end_user_session_id=user, limit=1)
        for entry in page.entries:
            if entry.user in (None, user) and (also_failed or entry.status not in (FAILED, STOPPED)):
                return Handle(user, attempt, entry.run_id)
        return None
