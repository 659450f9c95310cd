"""Listening to an attempt's run: what its events say is told, stored and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from tradefree.dify.errors import DifyError, DifyRejected, DifyUncertain
from tradefree.dify.looking import Looking
from tradefree.dify.models import PING, SILENCE, RunResult, StreamEvent
from tradefree.dify.pause import reasons_of, token_of
from tradefree.dify.verdict import runner_error, usage_of

TOLD = ("run_id", "task_id", "user", "message_id", "conversation_id", "workflow_id", "dify_version")
"""What log lines tell of a run."""


class Listening(Looking):
    """Hears a run until its end, and looks when it falls silent."""

    async def _listen(self, stream: AsyncGenerator[StreamEvent, None], *, pings_are_life: bool) -> RunResult:
        try:
            async with asyncio.timeout(None) as self._line, aclosing(stream) as events:
                async for event in events:
                    if event.event == SILENCE:
                        result = await self._look(event.fields["seconds"])
                    elif event.event == PING:
                        result = await self._hear_ping(pings_are_life)
                    else:
                        result = await self._hear(event)
                    if result is not None:
                        return result
        except TimeoutError:
            raise DifyUncertain("Hung up.", code="hung_up") from None
        finally:
            self._line = None
        raise DifyUncertain("The stream ended.", code="no_end")

    async def _listen_again(self, left: float) -> RunResult | None:
        stream = self._client.workflow_events(
            self._handle.run_id or "", self._handle.user, continue_on_pause=self._answered is not None, total=left
        )
        try:
            return await self._listen(stream, pings_are_life=False)
        except DifyRejected as error:
            self._can_listen = False
            words = f"Dify does not let us listen again, so polling it is. {error.message}"
            self._log("info", words, "dify.run.polled", error=error.message)
        except DifyError as error:
            self._say_once("cut", error.message, error=error.message)
        return None

    def _hang_up(self) -> None:
        """Leave the stream: Dify may have no connection left for the stop but the one that it holds."""
        if self._line is not None:
            words = "Dify has not answered the stop: hanging up, so that a connection of its own is free for it."
            self._log("warning", words, "dify.run.hung_up")
            self._can_listen = False
            self._line.reschedule(self._now())

    async def _hear(self, event: StreamEvent) -> RunResult | None:
        self._accepted = True
        self._heard_at = self._now()
        await self._note_ids(event)
        self._narrator.hear(event)
        if event.event == "error":
            self._end_seen = True
            usage = usage_of(self._narrator.meter)
            raise runner_error(self._client.error_of(event), started=self._handle.known, usage=usage)
        if event.event == "workflow_paused":
            self._reasons = reasons_of(event.data)
            if self._answered is not None and token_of(self._reasons) == self._answered:
                return None
        return self._errand.result_of(event)

    async def _hear_ping(self, is_life: bool) -> RunResult | None:
        self._accepted = True
        if is_life or self._now() - self._heard_at < self._client.timeouts.quiet:
            return None
        self._heard_at = self._now()
        return await self._record()

    async def _note_ids(self, event: StreamEvent) -> None:
        now, version = self._clock.now().timestamp(), self._client.server_version
        before, self._handle = self._handle, self._handle.with_ids_of(event, now, version)
        if self._handle == before:
            return
        await self._run.save(self._handle.state())
        if not before.known:
            facts = {name: value for name in TOLD if (value := getattr(self._handle, name))}
            self._run.log("info", f"Dify {self._handle.words} started.", event="dify.run.started", **facts)
        if self._stop_wanted and before.task_id is None:
            await self._send_stop()

    def _tell_end(self, result: RunResult) -> None:
        seen = replace(self._handle, workflow_id=result.workflow_id, dify_version=self._client.server_version)
        facts = {name: value for name in TOLD if (value := getattr(seen, name))}
        self._run.log("debug", f"Dify {self._handle.words} ended.", event="dify.run.ended", **facts)
