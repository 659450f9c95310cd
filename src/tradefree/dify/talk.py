"""Puts an answer together from the events of its stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tradefree.dify.models import SUCCEEDED, RunResult, StreamEvent, mapping_of, seconds_of, text_of, whole_of
from tradefree.dify.spoken import TalkEnds


class Talk:
    """Hears one stream of a chat, chatflow, agent or completion app."""

    def __init__(self) -> None:
        self._ends = TalkEnds()
        self._text: list[str] = []
        self._files: list[Any] = []
        self._ids: dict[str, str] = {}

    def hear(self, event: StreamEvent) -> RunResult | None:
        """The result, with the event that ends it. A chatflow's is that of its workflow."""
        fields = event.fields
        for name in ("conversation_id", "message_id"):
            if (known := text_of(fields.get(name))) is not None:
                self._ids[name] = known
        if event.event in ("message", "agent_message"):
            self._text.append(text_of(fields.get("answer")) or "")
        elif event.event == "message_replace":
            self._text = [text_of(fields.get("answer")) or ""]
        elif event.event == "message_file":
            kept = {name: fields.get(name) for name in ("id", "type", "url", "belongs_to")}
            self._files.append({name: value for name, value in kept.items() if value is not None})
        return self._result(event) if self._ends(event) and event.event != "error" else None

    def _result(self, event: StreamEvent) -> RunResult:
        if event.event == "message_end":
            return self._of_message_end(event)
        result = RunResult.of_event(event)
        answer = result.outputs.get("answer", "".join(self._text))
        return replace(result, outputs={**result.outputs, "answer": answer, **self._ids})

    def _of_message_end(self, event: StreamEvent) -> RunResult:
        metadata = mapping_of(event.fields.get("metadata"))
        usage = mapping_of(metadata.get("usage"))
        outputs: dict[str, Any] = {"answer": "".join(self._text), **self._ids}
        if self._files:
            outputs["files"] = self._files
        if resources := metadata.get("retriever_resources"):
            outputs["retriever_resources"] = resources
        return RunResult(
            self._ids.get("message_id", ""),
            SUCCEEDED,
            outputs=outputs,
            task_id=event.task_id,
            elapsed_time=seconds_of(usage.get("latency")),
            total_tokens=whole_of(usage.get("total_tokens")),
            created_at=whole_of(event.fields.get("created_at")),
        )
