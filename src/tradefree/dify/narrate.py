"""What a run tells, as lines of the task's log and pieces of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradefree.dify.models import StreamEvent
from tradefree.dify.usage import Meter
from tradefree.tasks.ports import Run

MOST_LINES = 400
"""Lines about steps that went well, for one attempt; a loop over thousands of items must not fill the log."""
CLIP = 500
"""Characters of an error that a line shows."""

_STEPS = {
    "iteration_started": ("dify.iteration.started", "started"),
    "iteration_completed": ("dify.iteration.finished", "finished"),
    "loop_started": ("dify.loop.started", "started"),
    "loop_completed": ("dify.loop.finished", "finished"),
}


class Narrator:
    """Listens to one run: writes the log, shows text as it comes, adds up what it costs.

    Steps that a replay tells again are told once.
    """

    def __init__(self, run: Run) -> None:
        self.meter = Meter()
        self._run = run
        self._told: set[tuple[str, str]] = set()
        self._lines = 0

    def hear(self, event: StreamEvent) -> None:
        """Tell the event, if it is worth telling. Unknown events are not."""
        self.meter.add(event)
        data = event.data
        if event.event == "text_chunk":
            if isinstance(text := data.get("text"), str) and text:
                self._run.partial(text)
        elif event.event == "node_finished":
            self._node_finished(data)
        elif event.event == "node_retry":
            self._node_retry(data)
        elif event.event == "human_input_required":
            title = data.get("node_title") or data.get("node_id")
            self._run.log("warning", f"{title} waits for a person's answer.", event="dify.node.waiting")
        elif event.event in _STEPS:
            name, verb = _STEPS[event.event]
            self._tell(event.event, data, name, f"{_title(data)} {verb}{_numbers(data)}.")

    def _node_finished(self, data: Mapping[str, Any]) -> None:
        status = data.get("status")
        if status not in ("failed", "exception"):
            verb = "finished" if status == "succeeded" else f"ended as {status}"
            self._tell("node_finished", data, "dify.node.finished", f"{_title(data)} {verb}{_numbers(data)}.")
            return
        saved = ", and its error strategy took over" if status == "exception" else ""
        message = f"{_title(data)} failed{_numbers(data)}{saved}: {_error(data)}"
        self._tell("node_finished", data, "dify.node.failed", message, level="warning")

    def _node_retry(self, data: Mapping[str, Any]) -> None:
        number = data.get("retry_index")
        message = f"{_title(data)} failed{_numbers(data)} and is tried again (retry {number}): {_error(data)}"
        self._tell(f"node_retry {number}", data, "dify.node.retry", message, level="warning")

    def _tell(self, kind: str, data: Mapping[str, Any], event: str, message: str, *, level: str = "info") -> None:
        key = (kind, str(data.get("id")))
        if key in self._told:
            return
        self._told.add(key)
        if level == "info":
            self._lines += 1
            if self._lines == MOST_LINES:
                message, event = "Many steps: from here on only those that fail are told.", "dify.steps.omitted"
            elif self._lines > MOST_LINES:
                return
        self._run.log(level, message, event=event, **_facts(data))


def _title(data: Mapping[str, Any]) -> str:
    title, kind = data.get("title") or data.get("node_id") or "A node", data.get("node_type")
    return f"{title} ({kind})" if kind else f"{title}"


def _numbers(data: Mapping[str, Any]) -> str:
    elapsed, tokens = data.get("elapsed_time"), _tokens(data)
    parts = [f" in {elapsed:.2f} s"] if isinstance(elapsed, int | float) else []
    parts += [f" with {tokens} tokens"] if tokens else []
    return "".join(parts)


def _tokens(data: Mapping[str, Any]) -> int | None:
    metadata = data.get("execution_metadata")
    tokens = metadata.get("total_tokens") if isinstance(metadata, dict) else data.get("total_tokens")
    return tokens if isinstance(tokens, int) else None


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: data.get(name) for name in ("node_id", "node_type", "title", "status", "elapsed_time")}
    return {name: value for name, value in {**facts, "tokens": _tokens(data)}.items() if value is not None}


def _error(data: Mapping[str, Any]) -> str:
    return clipped(str(data.get("error") or "no reason given"))


def clipped(text: str) -> str:
    """The beginning of a text that may be very long."""
    return text if len(text) <= CLIP else f"{text[:CLIP]} … ({len(text)} characters)"
