"""The runs that the stand-in remembers."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from tradefree.testing.dify_standin.apps import App
from tradefree.testing.dify_standin.pause import Form
from tradefree.testing.dify_standin.run import Run

_KEPT = 50_000
"""Ended runs; older ones are forgotten so that a long demo does not grow for ever."""


class Store:
    """Runs by id, task and user."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.by_id: dict[str, Run] = {}
        self.by_task: dict[str, Run] = {}
        self.forms: dict[str, Form] = {}
        """By token."""
        self._by_user: dict[tuple[str, str], list[Run]] = defaultdict(list)
        self._ended: deque[Run] = deque()

    def add(self, run: Run) -> None:
        self.by_id[run.id] = run
        self.by_task[run.task_id] = run
        self._by_user[run.app.key, run.user].append(run)

    def retire(self, run: Run) -> None:
        """The run has ended; it is kept until many others have ended after it."""
        self._ended.append(run)
        if len(self._ended) > _KEPT:
            self._forget(self._ended.popleft())

    def find(self, app: App, run_id: str) -> Run | None:
        """A run of this app that has a row."""
        run = self.by_id.get(run_id)
        return run if run and run.visible and run.app.key == app.key else None

    def newest(self, app: App, user: str | None = None) -> Iterator[Run]:
        """The app's runs that have a row, newest first; `user`: only those of this user."""
        runs = list(self._by_user.get((app.key, user), ())) if user is not None else list(self.by_id.values())
        return (run for run in reversed(runs) if run.visible and run.app.key == app.key)

    def _forget(self, run: Run) -> None:
        self.by_id.pop(run.id, None)
        self.by_task.pop(run.task_id, None)
        for form in run.forms:
            self.forms.pop(form.token, None)
        own = self._by_user.get((run.app.key, run.user))
        if own and run in own:
            own.remove(run)
            if not own:
                del self._by_user[run.app.key, run.user]
