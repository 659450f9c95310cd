"""Conversations and messages: what the stand-in remembers of chats, chatflows, agents and completions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Talk:
    """One question and its answer. The answer is stored when all of it is there (Dify 1.14.2)."""

    query: str
    inputs: dict[str, Any]
    created_at: int
    conversation: Conversation | None
    """None: a completion app, which has none."""
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: str = ""
    status: str = "normal"
    error: str | None = None
    feedback: str | None = None

    def ids(self) -> dict[str, Any]:
        """What every event of the answer begins with."""
        own = {"message_id": self.message_id, "created_at": self.created_at}
        return {"conversation_id": self.conversation.id, **own} if self.conversation else own


@dataclass(slots=True, eq=False)
class Conversation:
    """A conversation of one user with one app."""

    app_key: str
    user: str
    name: str
    inputs: dict[str, Any]
    created_at: int
    updated_at: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    messages: list[Talk] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As ``GET /conversations`` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "inputs": self.inputs,
            "status": "normal",
            "introduction": "",
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


class Conversations:
    """All of them, in the order in which they began."""

    def __init__(self) -> None:
        self._all: dict[str, Conversation] = {}

    def add(self, conversation: Conversation) -> None:
        self._all[conversation.id] = conversation

    def find(self, app_key: str, user: str, conversation_id: str) -> Conversation | None:
        """Only its user can see a conversation."""
        found = self._all.get(conversation_id)
        return found if found and (found.app_key, found.user) == (app_key, user) else None

    def of(self, app_key: str, user: str) -> list[Conversation]:
        """The user's conversations, the one that was spoken in last first."""
        own = [item for item in self._all.values() if (item.app_key, item.user) == (app_key, user)]
        return sorted(own, key=lambda item: item.updated_at)[::-1]

    def remove(self, conversation: Conversation) -> None:
        self._all.pop(conversation.id, None)

    def messages(self, app_key: str) -> Iterator[Talk]:
        """Every message of the app's conversations."""
        return (talk for item in self._all.values() if item.app_key == app_key for talk in item.messages)

    def clear(self) -> None:
        self._all.clear()
