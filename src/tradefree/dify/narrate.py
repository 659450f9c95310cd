"""What a run tells, as lines of the task's log and pieces of text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradefree.dify.models import StreamEvent
from tradefree.dify.speech import Speech
from tradefree.dify.usage import Meter
from tradefree.tasks.ports import Run

MOST_LINES = 400
"""Lines about steps that went well, for one attempt; a loop over thousands of items must not fill the log."""
CLIP = 500
"""Characters of an error that a line shows."""

SHOWN = 1_000
"""Characters of a step's inputs and outputs that a line carries."""

_STEPS = {
    "node_started": ("dify.node.started", "started"),
    "iteration_started": ("dify.iteration.started", "started"),
    "iteration_completed": ("dify.iteration.finished", "finished"),
    "loop_started": ("dify.loop.started", "started"),
    "loop_completed": ("dify.loop.finished", "finished"),
}
_ROUNDS = {"iteration_next": "dify.iteration.round", "loop_next": "dify.loop.round"}
_ASIDE = frozenset({"node_started", *_ROUNDS})
"""Told at level debug: their ends tell more."""


class Narrator:
    """Listens to one run: writes the log, shows text as it comes, adds up what it costs.

    Steps that a replay tells again are told once.
    """

    def __init__(self, run: Run) -> None:
        self.meter = Meter()
        self._run = run
        self._speech = Speech(run)
        self._told: set[tuple[str, str]] = set()
        self._lines = 0

    def hear(self, event: StreamEvent) -> None:
        """Tell the event, if it is worth telling. Unknown events are not."""
        self.meter.add(event)
        kind, data = event.event, event.data
        if kind in ("text_chunk", "text_replace", "message", "agent_message", "message_replace"):
            self._text(kind, event)
        elif kind == "node_finished":
            self._node_finished(data)
        elif kind == "node_retry":
            self._node_retry(data)
        elif kind == "human_input_required":
            title = data.get("node_title") or data.get("node_id")
            self._run.log("warning", f"{title} waits for a person's answer.", event="dify.node.waiting", title=title)
        elif kind in _STEPS:
            name, verb = _STEPS[kind]
            self._tell(kind, data, name, f"{_title(data)} {verb}{_numbers(data)}.", level=_level(kind))
        elif kind in _ROUNDS:
            number = data.get("index")
            words = f"{_title(data)}: round {number}."
            self._tell(f"{kind} {number}", data, _ROUNDS[kind], words, level="debug", round=number)
        elif kind == "agent_thought":
            self._thought(event.fields)
        elif kind == "agent_log":
            self._agent_log(data)

    def close(self) -> None:
        """Show the text that is left."""
        self._speech.close()

    def _text(self, kind: str, event: StreamEvent) -> None:
        text = event.data.get("text") if kind.startswith("text_") else event.fields.get("answer")
        if isinstance(text, str):
            (self._speech.replace if kind.endswith("_replace") else self._speech.say)(text)

    def _thought(self, fields: Mapping[str, Any]) -> None:
        """Dify sends a thought again and again while it fills in: it is told once it has a tool's answer or an end."""
        tool, seen = fields.get("tool"), fields.get("observation")
        if tool and seen:
            payload = _payload(fields, "tool_input", "observation")
            self._tell("agent_tool", fields, "dify.agent.tool", f"The agent used {tool}.", tool=tool, **payload)
        elif fields.get("thought") and not tool:
            payload = _payload(fields, "thought")
            self._tell(
                "agent_thought", fields, "dify.agent.thought", "The agent had a thought.", level="debug", **payload
            )

    def _agent_log(self, data: Mapping[str, Any]) -> None:
        label, status = data.get("label") or "A step", data.get("status")
        if status == "start":
            return
        failed = bool(data.get("error"))
        said = f"{label} failed: {_error(data)}" if failed else f"{label}: {status or 'done'}."
        level = "warning" if failed else "info"
        told = {"case": "failed", "error": _error(data)} if failed else {}
        self._tell(
            "agent_log", data, "dify.agent.step", said, level=level, label=label, **told, **_payload(data, "data")
        )

    def _node_finished(self, data: Mapping[str, Any]) -> None:
        status = data.get("status")
        if status not in ("failed", "exception"):
            verb = "finished" if status == "succeeded" else f"ended as {status}"
            case = {} if status == "succeeded" else {"case": "otherwise"}
            self._tell("node_finished", data, "dify.node.finished", f"{_title(data)} {verb}{_numbers(data)}.", **case)
            return
        saved = ", and its error strategy took over" if status == "exception" else ""
        message = f"{_title(data)} failed{_numbers(data)}{saved}: {_error(data)}"
        more = {"case": "saved"} if saved else {}
        self._tell("node_finished", data, "dify.node.failed", message, level="warning", error=_error(data), **more)

    def _node_retry(self, data: Mapping[str, Any]) -> None:
        number = data.get("retry_index")
        message = f"{_title(data)} failed{_numbers(data)} and is tried again (retry {number}): {_error(data)}"
        self._tell(
            f"node_retry {number}", data, "dify.node.retry", message, level="warning", retry=number, error=_error(data)
        )

    def _tell(
        self, kind: str, data: Mapping[str, Any], event: str, message: str, *, level: str = "info", **more: Any
    ) -> None:
        key = (kind, str(data.get("id")))
        if key in self._told:
            return
        self._told.add(key)
        if level in ("debug", "info"):
            self._lines += 1
            if self._lines == MOST_LINES:
                message, event = "Many steps: from here on only those that fail are told.", "dify.steps.omitted"
            elif self._lines > MOST_LINES:
                return
        self._run.log(level, message, event=event, **_facts(data), **more)


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
    told = {name: value for name, value in {**facts, "tokens": _tokens(data)}.items() if value is not None}
    return {**told, **_payload(data, "inputs", "outputs")}


def _payload(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What is shown only to those who may see the contents of tasks."""
    kept = {name: value for name in names if (value := shown(data.get(name))) is not None}
    return {"payload": kept} if kept else {}


def _level(kind: str) -> str:
    return "debug" if kind in _ASIDE else "info"


def shown(value: Any) -> Any:
    """A step's data as a line carries it: as it is if it is small, else the beginning of its JSON. None for nothing."""
    if value in (None, {}, [], ""):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= SHOWN else f"{text[:SHOWN]} … ({len(text)} characters)"


def _error(data: Mapping[str, Any]) -> str:
    return clipped(str(data.get("error") or "no reason given"))


def clipped(text: str) -> str:
    """The beginning of a text that may be very long."""
    return text if len(text) <= CLIP else f"{text[:CLIP]} … ({len(text)} characters)"
