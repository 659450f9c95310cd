"""Conversations and messages, as Dify tells them; and when an answer is at its end. As tolerant as ``models``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradefree.dify.models import WORKFLOW_ENDS, StreamEvent, mapping_of, text_of, whole_of

MESSAGE_ENDS = frozenset({"message_end", "error"})
"""Events after which a chat, agent or completion app says nothing more (but for speech, which may follow)."""


class TalkEnds:
    """Tells the last event of one stream. A chatflow is known by the run it names: it ends with its workflow.

    Dify 1.14.2 sends a chatflow's ``workflow_finished`` after ``message_end``; up to 1.12 it came before.
    """

    def __init__(self) -> None:
        self._is_flow = False

    def __call__(self, event: StreamEvent) -> bool:
        self._is_flow = self._is_flow or event.run_id is not None
        return event.event in (WORKFLOW_ENDS if self._is_flow else MESSAGE_ENDS)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of one user with the app."""

    id: str
    name: str = ""
    created_at: int | None = None
    updated_at: int | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Conversation:
        """From a row of ``GET /conversations``."""
        return cls(
            id=text_of(fields.get("id")) or "",
            name=text_of(fields.get("name")) or "",
            created_at=whole_of(fields.get("created_at")),
            updated_at=whole_of(fields.get("updated_at")),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """A question and its answer, which is empty while it is being given, and for ever if its listener left."""

    id: str
    conversation_id: str
    query: str = ""
    answer: str = ""
    status: str = ""
    """``normal``, ``error`` or ``paused``. Says nothing of whether the answer is complete."""
    error: str | None = None
    created_at: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Message:
        """From a row of ``GET /messages``."""
        return cls(
            id=text_of(fields.get("id")) or "",
            conversation_id=text_of(fields.get("conversation_id")) or "",
            query=text_of(fields.get("query")) or "",
            answer=text_of(fields.get("answer")) or "",
            status=text_of(fields.get("status")) or "",
            error=text_of(fields.get("error")),
            created_at=whole_of(fields.get("created_at")),
            fields=fields,
        )


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Some conversations of a user, the latest first."""

    conversations: tuple[Conversation, ...]
    has_more: bool

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> ConversationPage:
        found = [Conversation.of(mapping_of(row)) for row in _rows(fields)]
        return cls(tuple(item for item in found if item.id), fields.get("has_more") is True)


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages of a conversation, oldest first."""

    messages: tuple[Message, ...]
    has_more: bool

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> MessagePage:
        found = [Message.of(mapping_of(row)) for row in _rows(fields)]
        return cls(tuple(item for item in found if item.id), fields.get("has_more") is True)


def _rows(fields: Mapping[str, Any]) -> list[Any]:
    rows = fields.get("data")
    return rows if isinstance(rows, list) else []
