"""Users' own functions as runners.

    from tradefree.runners import runner

    @runner
    def word_count(input_data, run):
        run.log("info", "counting")
        return {"words": len(input_data["text"].split())}

and, in the project's ``pyproject.toml``:

    [project.entry-points."tradefree.runners"]
    word-count = "my_shop.runners:word_count"
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable
from typing import Any

from tradefree.errors import InvalidInput
from tradefree.tasks.ports import Run
from tradefree.tasks.task import Json
from tradefree.tasks.types import TaskType


class PythonRunner:
    """Calls a function with ``input_data`` and, if it takes a second argument, the ``Run``.

    A coroutine function runs in the worker's event loop and is cancelled at a time-out or cancel. A plain function runs
    in a thread, which Python cannot stop: at a time-out or cancel the task goes on without it and the function runs to
    its end unheeded, so long ones should look at ``run.cancelled``.
    """

    resumable = False

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.name = function.__name__.replace("_", "-")
        self._function = function
        self._asynchronous = inspect.iscoroutinefunction(function)
        self._takes_run = len(inspect.signature(function).parameters) > 1

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, for tests."""
        return self._function(*args, **kwargs)

    async def run(self, run: Run) -> Json:
        """See ``ports.Runner``."""
        call = functools.partial(self._function, run.input_data, *([run] if self._takes_run else []))
        if self._asynchronous:
            return await call()
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(None, context.run, call)

    async def stop(self, run: Run) -> bool:  # noqa: ARG002
        """A coroutine is cancelled by the runtime; of a thread nobody can say."""
        return self._asynchronous

    def check(self, task_type: TaskType) -> None:
        """See ``ports.Runner``."""
        if task_type.connection is not None:
            raise InvalidInput("a Python runner uses no connection", field="connection")


def runner(function: Callable[..., Any]) -> PythonRunner:
    """Decorator: make a runner of a function. Nothing is registered here; the entry point names it."""
    return PythonRunner(function)
