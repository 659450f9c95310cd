"""Plays runs: slots, timers, pings, stops. No HTTP here."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import Counter, deque
from contextlib import suppress
from typing import Any

from tradefree.testing.dify_standin import events
from tradefree.testing.dify_standin.apps import App, Config
from tradefree.testing.dify_standin.behaviour import Behaviour, Tally
from tradefree.testing.dify_standin.ledger import Ledger
from tradefree.testing.dify_standin.pause import PAUSE
from tradefree.testing.dify_standin.replies import DifyError
from tradefree.testing.dify_standin.run import Mode, Run, WorkerLost
from tradefree.testing.dify_standin.script import finish, perform, tell
from tradefree.testing.dify_standin.speaking import end_message, perform_message
from tradefree.testing.dify_standin.store import Store
from tradefree.testing.dify_standin.stream import Stream
from tradefree.testing.dify_standin.talk import Conversations, Talk
from tradefree.testing.dify_standin.ticker import Ticker

_RUN_EFFECTS = (
    "fail",
    "node_retry",
    "partial_success",
    "cut_stream",
    "missing_final_event",
    "silent_hang",
    "error_event",
)


class Engine:
    """Owns the apps, the runs and their timers. A run is no asyncio task: while it waits it costs one timer."""

    def __init__(self, config: Config, ledger: Ledger) -> None:
        self.config = config
        self.ledger = ledger
        self.timing = config.timing
        self.apps = {app.key: app for app in config.apps}
        self.store = Store()
        self.conversations = Conversations()
        self._slots = config.slots
        self._taken = 0
        self._waiting: deque[Run] = deque()
        self._blocking: Counter[str] = Counter()
        self._tally = Tally()
        self._task_pattern = re.compile(config.task_pattern)
        self._pings: Ticker[Run] = Ticker(self.real(self.timing.ping_seconds), Run.ping)

    def real(self, seconds: float) -> float:
        """Real seconds of a told length."""
        return seconds * self.timing.scale

    @property
    def slots(self) -> int | None:
        return self._slots

    @slots.setter
    def slots(self, slots: int | None) -> None:
        """Runs under way keep theirs; waiting ones start as soon as there is room."""
        self._slots = slots
        self._launch_waiting()

    def choose(self, app: App, given: dict[str, Any], user: str, override: Behaviour | None) -> Behaviour:
        """The app's behaviour, changed by the rules that match and by what the caller asked for."""
        chosen = app.behaviour
        for rule in app.rules:
            if rule.matches(given, user):
                chosen = chosen.overridden_by(rule.then)
        return chosen.overridden_by(override) if override else chosen

    def strikes(self, app: App, behaviour: Behaviour, name: str, user: str, given: dict[str, Any]) -> bool:
        """Whether this effect strikes now; it is counted per task, or per inputs if the user names no task."""
        match = self._task_pattern.match(user)
        task = match["task"] if match else repr(sorted(given.items(), key=lambda item: item[0]))
        struck = self._tally.strikes(getattr(behaviour, name), name, app.name, task)
        if struck:
            self.ledger.faults[name] += 1
        return struck

    def refuse_if_full(self, app: App, mode: Mode) -> None:
        """Dify's own limit. Blocking runs hold a place, streaming ones do not; a limit of 1 refuses all streaming ones.

        Raises `DifyError` 400, not 429 (Dify 1.14.2: core/app/features/rate_limiting/rate_limit.py).
        """
        limit = app.max_active_requests
        if limit and (self._blocking[app.name] >= limit or (limit == 1 and mode == "streaming")):
            raise too_many_requests(app, limit)

    def begin(
        self,
        app: App,
        user: str,
        mode: Mode,
        inputs: dict[str, Any],
        given: dict[str, Any],
        behaviour: Behaviour,
        talk: Talk | None = None,
    ) -> Run:
        """Accept a run; it starts when a slot is free."""
        run = Run(
            id=str(uuid.uuid4()),
            task_id=str(uuid.uuid4()),
            app=app,
            user=user,
            mode=mode,
            inputs=inputs,
            behaviour=self._active(app, behaviour, user, given),
            scale=self.timing.scale,
            talk=talk,
        )
        self.store.add(run)
        self.ledger.accepted(run, given)
        if mode == "blocking":
            self._blocking[app.name] += 1
        hang = run.behaviour.silent_hang
        if hang and hang.after_events == 0:
            self._end(run, "hung")
        else:
            self._enqueue(run)
        return run

    def resume(self, run: Run) -> None:
        """The form is answered: the run goes on in a worker, as if it had been called in streaming mode."""
        run.mode = "streaming"
        self._enqueue(run)

    def stop(self, app: App, task_id: str) -> None:
        """Ask a run to stop. Unknown tasks are fine; any user may ask (Dify 1.14.2 checks neither)."""
        run = self.store.by_task.get(task_id)
        self.ledger.stop_asked(run, task_id)
        if run is None or run.app.key != app.key or run.stop_asked or run.over or run.behaviour.ignored_stop:
            return
        run.stop_asked = True
        if run.script and not run.paused:  # a paused run has no worker that could hear of it
            self._stop(run)

    def shut(self) -> None:
        """Drop all runs and end all streams, as when the server goes away."""
        self._pings.stop()
        self._waiting.clear()
        for run in self.store.by_id.values():
            if run.timer:
                run.timer.cancel()
            run.over = True
            self._release_callers(run)
            for stream in run.streams:
                stream.close()
        self._taken = 0
        self._blocking.clear()

    def reset(self) -> None:
        """Back to the beginning: no runs, no counts, apps and slots as configured."""
        self.shut()
        self.store.clear()
        self.conversations.clear()
        self._tally.clear()
        self.ledger.clear()
        self.apps = {app.key: app for app in self.config.apps}
        self._slots = self.config.slots

    def _active(self, app: App, behaviour: Behaviour, user: str, given: dict[str, Any]) -> Behaviour:
        """Only the effects that strike this run."""
        asked = [name for name in _RUN_EFFECTS if getattr(behaviour, name) is not None]
        spared = {name: None for name in asked if not self.strikes(app, behaviour, name, user, given)}
        return behaviour.model_copy(update=spared) if spared else behaviour

    def _enqueue(self, run: Run) -> None:
        if run.mode == "streaming" and not run.speaks and self._slots is not None and self._taken >= self._slots:
            self._waiting.append(run)
        else:
            self._launch(run)

    def _launch(self, run: Run) -> None:
        if run.mode == "streaming" and not run.speaks:
            self._taken += 1
        wait = self.real(self.timing.start_seconds)
        run.timer = asyncio.get_running_loop().call_later(wait, self._go_on if run.paused else self._start, run)

    def _launch_waiting(self) -> None:
        while self._waiting and (self._slots is None or self._taken < self._slots):
            self._launch(self._waiting.popleft())

    def _start(self, run: Run) -> None:
        self.ledger.started(run)
        broken = run.behaviour.error_event
        if broken:
            run.failure = DifyError(broken.status, broken.code, broken.message)
            with suppress(WorkerLost):
                run.emit(events.error(run, broken.code, broken.status, broken.message))
            self._leave(run, "error")
            if run.speaks:
                _close_streams(run)
            return
        run.script = perform_message(run) if run.speaks else perform(run)
        self._pings.add(run)
        self._step(run)
        if run.stop_asked and not run.over:
            self._stop(run)

    def _go_on(self, run: Run) -> None:
        run.paused = False
        self.ledger.resumed(run)
        self._step(run)
        if run.stop_asked and not (run.over or run.paused):
            self._stop(run)

    def _pause(self, run: Run) -> None:
        """The run waits for a person: its place is free, the caller is told, and only who wants to stays."""
        run.paused = True
        run.timer = run.node_ends = None
        self.store.forms[run.forms[-1].token] = run.forms[-1]
        self.ledger.paused(run)
        if run.mode == "blocking":
            self._blocking[run.app.name] -= 1
        else:
            self._taken -= 1
        self._release_callers(run)
        for stream in run.streams:
            if not stream.outlasts_pauses:
                self.close_soon(stream)
        self._launch_waiting()

    def close_soon(self, stream: Stream) -> None:
        """A stream stays open for a moment after its last event."""
        asyncio.get_running_loop().call_later(self.real(self.timing.close_seconds), stream.close)

    def _step(self, run: Run) -> None:
        """Play on to the next wait."""
        if run.over or run.script is None:
            return
        self._pings.catch_up(run.due)
        try:
            wait = next(run.script)
        except StopIteration:
            self._finish(run)
        except WorkerLost:
            self._leave(run, "lost")
        except Exception as error:  # a template that its author got wrong fails the run, not the server
            with suppress(WorkerLost):
                finish(run, "failed", {}, f"{type(error).__name__}: {error}")
            self._finish(run)
        else:
            if wait == PAUSE:
                self._pause(run)
                return
            loop = asyncio.get_running_loop()
            run.due = loop.time() + self.real(wait)
            run.timer = loop.call_at(run.due, self._step, run)

    def _stop(self, run: Run) -> None:
        """A message ends at once. A workflow's stop has two outcomes, by whether the node under way ends before the
        stop is noticed.
        """
        if run.speaks:
            self._stop_message(run)
            return
        loop = asyncio.get_running_loop()
        notice = self.real(self.timing.stop_notice_seconds)
        soon = run.node_ends is not None and run.node_ends - loop.time() <= notice
        wanted = run.behaviour.stop_outcome
        if wanted == "aborted" or (wanted == "auto" and soon):
            run.aborting = True
        else:
            loop.call_later(notice, self._give_up, run)

    def _stop_message(self, run: Run) -> None:
        if run.timer:
            run.timer.cancel()
        with suppress(WorkerLost):
            end_message(run, "stopped", 0)
        self._finish(run)

    def abandon(self, run: Run) -> None:
        """The listener left: a message is lost, and its row stays with an empty answer. A run goes on."""
        if not run.speaks or run.over or run.mode != "streaming":
            return
        if run.timer:
            run.timer.cancel()
        self._leave(run, "abandoned")

    def _give_up(self, run: Run) -> None:
        """The caller is told `stopped`; the row says `running` for ever and the node works on unseen."""
        if run.over:
            return
        if run.timer:
            run.timer.cancel()
        with suppress(WorkerLost):
            tell(run, "stopped", {}, "Stopped by user.")
        busy = (run.node_ends or 0.0) - asyncio.get_running_loop().time()
        self._finish(run, busy_seconds=max(0.0, busy))

    def _finish(self, run: Run, busy_seconds: float | None = None) -> None:
        """The caller has the result; the stream closes a little later."""
        outcome = run.final["status"] if run.final else "lost"
        self._leave(run, outcome, busy_seconds)
        wait = self.real(self.timing.close_seconds)
        asyncio.get_running_loop().call_later(wait, _close_streams, run)

    def _leave(self, run: Run, outcome: str, busy_seconds: float | None = None) -> None:
        """The run gives its slot back."""
        if run.mode == "streaming" and not run.speaks:
            self._taken -= 1
        self._end(run, outcome, busy_seconds)
        self._launch_waiting()

    def _end(self, run: Run, outcome: str, busy_seconds: float | None = None) -> None:
        run.over = True
        run.script = run.timer = None
        if run.mode == "blocking":
            self._blocking[run.app.name] -= 1
        self.ledger.ended(run, outcome, busy_seconds)
        if run.final or run.failure:
            self._release_callers(run)
        self.store.retire(run)

    def _release_callers(self, run: Run) -> None:
        for waiter in run.waiters:
            if not waiter.done():
                waiter.set_result(None)
        run.waiters.clear()


def too_many_requests(app: App, limit: int) -> DifyError:
    """The refusal of a run that was not started (Dify 1.14.2: 400 `invalid_param`, although its code means 429)."""
    allowed = f"The current maximum concurrent requests allowed for {app.id} is {limit}."
    return DifyError(400, "invalid_param", f"Too many requests. Please try again later. {allowed}")


def _close_streams(run: Run) -> None:
    for stream in run.streams:
        stream.close()
