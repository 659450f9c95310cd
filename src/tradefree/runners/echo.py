"""Echo: returns its input. For try-outs and benchmarks."""

from __future__ import annotations

import asyncio

from pydantic import TypeAdapter, ValidationError

from tradefree.errors import InvalidInput
from tradefree.tasks.durations import Duration
from tradefree.tasks.ports import Run
from tradefree.tasks.task import Json
from tradefree.tasks.types import TaskType

_DELAY: TypeAdapter[float] = TypeAdapter(Duration)


class EchoRunner:
    """Returns ``input_data``, after ``options.delay`` if the type has one."""

    name = "echo"
    resumable = False

    async def run(self, run: Run) -> Json:
        """See ``ports.Runner``."""
        if delay := run.options.get("delay"):
            await asyncio.sleep(_DELAY.validate_python(delay))
        return run.input_data

    async def stop(self, run: Run) -> bool:  # noqa: ARG002
        """See ``ports.Runner``."""
        return True

    def check(self, task_type: TaskType) -> None:
        """See ``ports.Runner``."""
        if unknown := set(task_type.options) - {"delay"}:
            raise InvalidInput(f"unknown option {sorted(unknown)[0]!r}; echo knows `delay`", field="options")
        try:
            _DELAY.validate_python(task_type.options.get("delay", 0.0))
        except ValidationError as error:
            raise InvalidInput(error.errors()[0]["msg"], field="options/delay") from None
