"""Workflow apps: run, listen, look up, stop. Looking up and listening work for the runs of chatflows, too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Any

from tradefree.dify.models import WORKFLOW_ENDS, LogPage, RunDetail, StreamEvent
from tradefree.dify.transport import Transport, segment


class Workflows(Transport):
    """What a client can ask of a workflow app."""

    def run_workflow_stream(
        self,
        inputs: Mapping[str, Any],
        user: str,
        *,
        workflow_id: str | None = None,
        files: Collection[Mapping[str, Any]] | None = None,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Start a run and yield what it tells, up to and with the event that ends it.

        Stops at that event; it does not wait for the connection to end (Dify 1.14.2 keeps it open 1 to 300 s more).
        Between events it yields ``SILENCE`` each ``timeouts.quiet`` seconds in which nothing came, so that the caller
        can look around while the stream stays open. ``workflow_id``: a published version instead of the latest.
        ``user``: at most 255 characters. ``total``: seconds for the whole, instead of ``timeouts.total``.

        Dify 1.14.2 accepts a stream before it looks at the inputs: bad ones end in silence, not in an error.
        Raises DifyUncertain when the stream breaks, falls silent for good or ends without its last event.
        """
        body: dict[str, Any] = {"inputs": dict(inputs), "response_mode": "streaming", "user": user}
        if files is not None:
            body["files"] = [dict(file) for file in files]
        path = f"/workflows/{segment(workflow_id)}/run" if workflow_id else "/workflows/run"
        return self._stream("POST", path, body=body, starts=True, ends=_ends, total=total)

    def workflow_events(
        self,
        run_id: str,
        user: str,
        *,
        snapshot: bool = True,
        continue_on_pause: bool = False,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Listen to a run that is under way (Dify 1.14.0 or newer), with what it told so far if ``snapshot``.

        ``user`` must be who started it, else DifyNotFound. A run that has ended tells its ``workflow_finished``.
        Pings may come from the API process here: they are no sign that the run lives. ``continue_on_pause``: a pause
        does not end the stream.
        """
        query = {"user": user, "include_state_snapshot": "true" if snapshot else "false"}
        if continue_on_pause:
            query["continue_on_pause"] = "true"
        path = f"/workflow/{segment(run_id)}/events"
        ends = _ends_for_good if continue_on_pause else _ends
        return self._stream("GET", path, query=query, starts=False, ends=ends, total=total)

    async def run_detail(self, run_id: str) -> RunDetail:
        """The run as Dify has stored it. Raises DifyNotFound for unknown runs and those still queued.

        Dify 1.14.2: ``running`` stays for ever when the worker died or the run was stopped in the middle of a node.
        """
        return RunDetail.of(await self._call("GET", f"/workflows/run/{segment(run_id)}"))

    async def stop_workflow(self, task_id: str, user: str) -> None:
        """Ask to stop a run, by the ``task_id`` of its stream. Dify says yes to anything, also to unknown ids.

        Uses connections of its own, so that it never waits behind running streams.
        """
        path = f"/workflows/tasks/{segment(task_id)}/stop"
        await self._call("POST", path, body={"user": user}, control=True)

    async def workflow_logs(
        self,
        *,
        created_by_end_user_session_id: str | None = None,
        keyword: str | None = None,
        status: str | None = None,
        page: int = 1,
        limit: int = 20,
    ) -> LogPage:
        """Runs of the app, newest first, running ones included and queued ones not. ``limit`` is at most 100.

        ``created_by_end_user_session_id`` is the ``user`` a run was started with; ``status`` may be succeeded, failed
        or stopped; ``keyword`` is searched in inputs and outputs, or is a run id. Chatflow runs never appear here.
        """
        wanted = {
            "created_by_end_user_session_id": created_by_end_user_session_id,
            "keyword": keyword,
            "status": status,
            "page": str(page),
            "limit": str(limit),
        }
        query = {name: value for name, value in wanted.items() if value is not None}
        return LogPage.of(await self._call("GET", "/workflows/logs", query=query))


def _ends(event: StreamEvent) -> bool:
    return event.event in WORKFLOW_ENDS


def _ends_for_good(event: StreamEvent) -> bool:
    return _ends(event) and event.event != "workflow_paused"
