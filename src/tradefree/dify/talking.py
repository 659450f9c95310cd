"""Errands to apps that answer with a message: chat, chatflow and agent; and completion."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from tradefree.dify.attach import attached
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyNotFound
from tradefree.dify.handle import Handle, user_of
from tradefree.dify.inputs import at, inputs_for
from tradefree.dify.keeping import user_of_conversation
from tradefree.dify.models import FAILED, RUNNING, STOPPED, SUCCEEDED, RunResult, StreamEvent
from tradefree.dify.options import ChatOptions, CompletionOptions
from tradefree.dify.spoken import Message
from tradefree.dify.talk import Talk
from tradefree.errors import Failed
from tradefree.tasks.ports import Run


class ChatErrand:
    """Ask a chat, chatflow or agent app. The task's output: ``{"answer", "conversation_id", "message_id"}`` and more.

    A conversation that is kept belongs to a ``user`` made of its key, so that an attempt of it cannot be found by its
    ``user``: only by the ids of its first event.
    """

    def __init__(self, run: Run) -> None:
        self.options = ChatOptions.of(run.options)
        self.query = _query(run.input_data, self.options.query)
        data = run.input_data
        if self.options.inputs is None and isinstance(data, dict):
            data = {name: value for name, value in data.items() if name != self.options.query}
        self.inputs: Mapping[str, Any] = inputs_for(self.options, data)
        self.version = self.options.workflow_id
        key = at(run.input_data, self.options.conversation) if self.options.conversation else None
        self.findable = key is None
        self.user = user_of(run.task_id, run.attempt) if key is None else user_of_conversation(run.type, key)
        self.conversation_id: str | None = None
        self._talk = Talk()

    async def prepare(self, client: DifyClient) -> None:
        """See ``Errand``: Dify itself remembers which conversation a user had last."""
        self.inputs = await attached(client, self.inputs, self.user)
        if not self.findable:
            page = await client.conversations(self.user, limit=1)
            self.conversation_id = page.conversations[0].id if page.conversations else None

    def start(self, client: DifyClient) -> AsyncGenerator[StreamEvent, None]:
        """See ``Errand``."""
        self._talk = Talk()
        return client.chat_stream(
            self.query,
            self.user,
            inputs=self.inputs,
            conversation_id=self.conversation_id,
            workflow_id=self.version,
            auto_title=self.options.auto_title,
        )

    def result_of(self, event: StreamEvent) -> RunResult | None:
        """See ``Errand``."""
        return self._talk.hear(event)

    def if_stopped(self, result: RunResult) -> RunResult:
        """See ``Errand``."""
        return _if_stopped(result)

    async def stop(self, client: DifyClient, handle: Handle) -> None:
        """See ``Errand``."""
        await client.stop_chat(handle.task_id or "", handle.user)

    async def record(self, client: DifyClient, handle: Handle) -> RunResult:
        """See ``Errand``: a chatflow's run, or else the message, whose answer is empty until all of it is there."""
        if handle.run_id is not None:
            result = (await client.run_detail(handle.run_id)).result
            return replace(result, outputs=_with_ids(result.outputs, handle))
        page = await client.messages(handle.conversation_id or "", handle.user)
        for message in page.messages:
            if message.id == handle.message_id:
                return _of_message(message)
        raise DifyNotFound(f"Dify does not know message {handle.message_id}.", code="not_found")

    async def find(self, client: DifyClient, user: str, attempt: int, *, also_failed: bool) -> Handle | None:
        """See ``Errand``: a new conversation of a ``user`` that only this attempt had."""
        page = await client.conversations(user, limit=1)
        for conversation in page.conversations:
            messages = (await client.messages(conversation.id, user, limit=1)).messages
            if messages and (also_failed or messages[-1].status != "error"):
                flow = (await client.info()).mode == "advanced-chat"
                found = messages[-1].id
                return Handle(user, attempt, message_id=found, conversation_id=conversation.id, flow=flow)
        return None


class CompletionErrand:
    """Ask a completion app. The task's output: ``{"answer", "message_id"}``.

    Dify 1.14.2 lists no messages of completion apps, and drops an answer whose listener leaves: nothing can be found.
    """

    findable = False
    version = None

    def __init__(self, run: Run) -> None:
        self.options = CompletionOptions.of(run.options)
        self.query = _query(run.input_data, self.options.query) if self.options.query else ""
        self.inputs: Mapping[str, Any] = inputs_for(self.options, run.input_data)
        self.user = user_of(run.task_id, run.attempt)
        self._talk = Talk()

    async def prepare(self, client: DifyClient) -> None:
        """See ``Errand``."""
        self.inputs = await attached(client, self.inputs, self.user)

    def start(self, client: DifyClient) -> AsyncGenerator[StreamEvent, None]:
        """See ``Errand``."""
        self._talk = Talk()
        return client.completion_stream(self.inputs, self.user, query=self.query)

    def result_of(self, event: StreamEvent) -> RunResult | None:
        """See ``Errand``."""
        return self._talk.hear(event)

    def if_stopped(self, result: RunResult) -> RunResult:
        """See ``Errand``."""
        return _if_stopped(result)

    async def stop(self, client: DifyClient, handle: Handle) -> None:
        """See ``Errand``."""
        await client.stop_completion(handle.task_id or "", handle.user)

    async def record(self, client: DifyClient, handle: Handle) -> RunResult:  # noqa: ARG002
        """See ``Errand``: there is none to be had, and an answer that is heard no more is lost."""
        return RunResult(handle.message_id or "", RUNNING)

    async def find(self, client: DifyClient, user: str, attempt: int, *, also_failed: bool) -> Handle | None:  # noqa: ARG002
        """See ``Errand``."""
        return None


def _query(input_data: Any, path: str) -> str:
    found = at(input_data, path)
    if isinstance(found, str) and found.strip():
        return found
    said = "missing" if found is None else "empty" if isinstance(found, str) else "no text"
    message = f"`{path}` is {said}: the app needs a text to answer. Send it, or map it with the type's options.query."
    raise Failed(message, code="bad_input", retryable=False)


def _if_stopped(result: RunResult) -> RunResult:
    """Dify 1.14.2 ends a stopped answer like any other, but counts no tokens for it; nothing else tells it.

    A chatflow, which has a workflow, says itself that it was stopped.
    """
    unmetered = result.status == SUCCEEDED and result.workflow_id is None and not result.total_tokens
    return replace(result, status=STOPPED) if unmetered else result


def _of_message(message: Message) -> RunResult:
    if message.status == "error":
        return RunResult(message.id, FAILED, error=message.error)
    if not message.answer:
        return RunResult(message.id, RUNNING)
    ids = {"conversation_id": message.conversation_id, "message_id": message.id}
    return RunResult(message.id, SUCCEEDED, outputs={"answer": message.answer, **ids})


def _with_ids(outputs: Mapping[str, Any], handle: Handle) -> dict[str, Any]:
    ids = {"conversation_id": handle.conversation_id, "message_id": handle.message_id}
    return {**outputs, **{name: value for name, value in ids.items() if value is not None}}
