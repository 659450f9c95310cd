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
import contextlib
import contextvars
import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from tradefree.errors import InvalidInput
from tradefree.tasks.ports import Run
from tradefree.tasks.task import Json
from tradefree.tasks.types import TaskType


class PythonRunner:
    """Calls a function with ``input_data`` and, if it takes a second argument, the ``Run``.

    A coroutine function runs in the worker's event loop and is cancelled at a time-out or cancel. A plain function runs
    in a thread of its own, which Python cannot stop: at a time-out or cancel the task goes on without it and the
    function runs to its end unheeded, so long ones should look at ``run.cancelled``.
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
        return await _in_thread(functools.partial(contextvars.copy_context().run, call))

    async def stop(self, run: Run) -> bool:  # noqa: ARG002
        """A coroutine is cancelled by the runtime; of a thread nobody can say."""
        return self._asynchronous

    def check(self, task_type: TaskType) -> None:
        """See ``ports.Runner``."""
        if task_type.connection is not None:
            raise InvalidInput("a Python runner uses no connection", field="connection")


async def _in_thread(call: Callable[[], Any]) -> Any:
    """Call in a fresh daemon thread: none waits for a free one, and none that hangs keeps the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is None:
            done.set_result(result)
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            done.set_exception(error)
        else:  # StopIteration, SystemExit and the like mean something else to an event loop
            done.set_exception(RuntimeError(f"the function raised {error!r}"))

    def work() -> None:
        result, failure = None, None
        try:
            result = call()
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: the worker has gone
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name="runner", daemon=True).start()
    return await done


def runner(function: Callable[..., Any]) -> PythonRunner:
    """Decorator: make a runner of a function. Nothing is registered here; the entry point names it."""
    return PythonRunner(function)
