"""Chat, chatflow, agent and completion apps: ask, stop, and look at what was said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Any, Literal

from tradefree.dify.models import StreamEvent
from tradefree.dify.spoken import Conversation, ConversationPage, MessagePage, TalkEnds
from tradefree.dify.transport import Transport, segment


class Messages(Transport):
    """What a client can ask of an app that answers with messages."""

    def chat_stream(
        self,
        query: str,
        user: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        conversation_id: str | None = None,
        workflow_id: str | None = None,
        files: Collection[Mapping[str, Any]] | None = None,
        auto_title: bool = False,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Ask a chat, chatflow or agent app, and yield what it tells, up to and with the event that ends it.

        That is ``message_end`` of a chat or agent, and ``workflow_finished`` or ``workflow_paused`` of a chatflow;
        ``error`` of any. ``conversation_id``: go on with a conversation of the same ``user``; without it, begin one.
        ``auto_title``: let the model make up a title for it, which costs tokens. ``workflow_id``: a published version
        of a chatflow. Silence and errors as in ``run_workflow_stream``.

        Dify 1.14.2: a chatflow goes on when its listener leaves, a chat or agent loses its answer. A chatflow with an
        unknown conversation, or with inputs that do not fit, is silent instead of answering with an error.
        """
        body: dict[str, Any] = {
            "inputs": dict(inputs or {}),
            "query": query,
            "response_mode": "streaming",
            "user": user,
            "auto_generate_name": auto_title,
        }
        if conversation_id:
            body["conversation_id"] = conversation_id
        if workflow_id:
            body["workflow_id"] = workflow_id
        if files is not None:
            body["files"] = [dict(file) for file in files]
        return self._stream("POST", "/chat-messages", body=body, starts=True, ends=TalkEnds(), total=total)

    def completion_stream(
        self,
        inputs: Mapping[str, Any],
        user: str,
        *,
        query: str = "",
        files: Collection[Mapping[str, Any]] | None = None,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Ask a completion app, and yield what it tells, up to and with ``message_end`` or ``error``.

        Dify 1.14.2: the answer is lost when the listener leaves, and nothing lists what a completion app said.
        """
        body: dict[str, Any] = {"inputs": dict(inputs), "query": query, "response_mode": "streaming", "user": user}
        if files is not None:
            body["files"] = [dict(file) for file in files]
        return self._stream("POST", "/completion-messages", body=body, starts=True, ends=TalkEnds(), total=total)

    async def stop_chat(self, task_id: str, user: str) -> None:
        """Ask to stop an answer, by the ``task_id`` of its stream. Dify says yes to anything, also to unknown ids.

        ``user`` must be who asked, else it has no effect (or, for a chatflow, a late one). Uses connections of its own.
        """
        path = f"/chat-messages/{segment(task_id)}/stop"
        await self._call("POST", path, body={"user": user}, control=True)

    async def stop_completion(self, task_id: str, user: str) -> None:
        """The same for a completion app."""
        path = f"/completion-messages/{segment(task_id)}/stop"
        await self._call("POST", path, body={"user": user}, control=True)

    async def conversations(self, user: str, *, last_id: str | None = None, limit: int = 20) -> ConversationPage:
        """Conversations of this user, the latest first. ``limit`` is at most 100; ``last_id``: those after this one."""
        query = {"user": user, "limit": str(limit), **({"last_id": last_id} if last_id else {})}
        return ConversationPage.of(await self._call("GET", "/conversations", query=query))

    async def messages(
        self, conversation_id: str, user: str, *, first_id: str | None = None, limit: int = 20
    ) -> MessagePage:
        """The latest messages of a conversation, oldest first; ``first_id``: those before this one.

        An answer is empty while it is being given. Raises DifyNotFound for a conversation of somebody else.
        """
        query = {"conversation_id": conversation_id, "user": user, "limit": str(limit)}
        return MessagePage.of(
            await self._call("GET", "/messages", query={**query, **({"first_id": first_id} if first_id else {})})
        )

    async def delete_conversation(self, conversation_id: str, user: str) -> None:
        """Delete a conversation with its messages."""
        await self._call("DELETE", f"/conversations/{segment(conversation_id)}", body={"user": user})

    async def rename_conversation(self, conversation_id: str, user: str, name: str) -> Conversation:
        """Give a conversation a name."""
        body = {"name": name, "auto_generate": False, "user": user}
        return Conversation.of(await self._call("POST", f"/conversations/{segment(conversation_id)}/name", body=body))

    async def give_feedback(
        self, message_id: str, user: str, rating: Literal["like", "dislike"] | None, *, content: str | None = None
    ) -> None:
        """Say what you think of an answer; None takes it back."""
        body: dict[str, Any] = {"rating": rating, "user": user}
        if content is not None:
            body["content"] = content
        await self._call("POST", f"/messages/{segment(message_id)}/feedbacks", body=body)

    async def suggested_questions(self, message_id: str, user: str) -> list[str]:
        """What the app suggests to ask next. DifyRejected if the app has that switched off."""
        found = await self._call("GET", f"/messages/{segment(message_id)}/suggested", query={"user": user})
        told = found.get("data")
        return [str(question) for question in told] if isinstance(told, list) else []
