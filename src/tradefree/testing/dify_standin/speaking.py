"""How an answer goes: pieces of text, then its end. A chatflow speaks from inside its workflow (`script`)."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Iterator
from typing import Any

from tradefree.testing.dify_standin import events, nodes
from tradefree.testing.dify_standin.apps import Node
from tradefree.testing.dify_standin.outputs import render_seconds, render_text
from tradefree.testing.dify_standin.run import NodeRun, Run, now

MODEL = Node(id="model", title="model", tokens=20)
"""The model of an app that describes none."""


def answer_of(run: Run) -> str:
    """The whole answer."""
    return str(render_text(run.app.answer, _words(run)))


def parts_of(run: Run) -> list[tuple[str, list[str]]]:
    """The answer of an answer node: its own texts, and the variables between them, each with where it comes from."""
    found = []
    for text, name, _, _ in string.Formatter().parse(run.app.answer):
        if text:
            found.append((text, ["answer", "answer"]))
        if name:
            found.append((str(render_text(f"{{{name}}}", _words(run))), ["sys", name]))
    return found


def perform_message(run: Run) -> Iterator[float]:
    """A chat, agent or completion app: it speaks word by word and ends with its message."""
    talk = run.talk
    assert talk is not None
    run.created_at = run.leg_at = now()
    run.began = asyncio.get_running_loop().time()
    node = _model(run)
    seconds = render_seconds(run.behaviour.slow if run.behaviour.slow is not None else node.seconds, run.inputs)
    words = answer_of(run).split(" ")
    if seconds and len(words) == 1:
        yield seconds
    for index, word in enumerate(words):
        run.said += word if index == 0 else f" {word}"
        run.emit(events.message(run, word if index == 0 else f" {word}", None))
        if seconds and len(words) > 1:
            yield seconds / len(words)
    run.emit(events.message(run, "", None))
    end_message(run, "succeeded", node.tokens)


def end_message(run: Run, status: str, tokens: int) -> None:
    """The end of an answer, also of a stopped one: no tokens are counted for that, and nothing else tells it."""
    talk = run.talk
    assert talk is not None
    talk.answer = run.said
    run.over, run.status, run.elapsed, run.tokens = True, status, run.age(), tokens
    run.final = {"status": status, "usage": usage_of(run, tokens)}
    if not run.behaviour.missing_final_event:
        run.emit(events.message_end(run, run.final["usage"], None))


def usage_of(run: Run, tokens: int) -> dict[str, Any]:
    """Tokens and money of the whole answer."""
    node = Node(id="model", title="model", tokens=tokens)
    counted = nodes.usage(NodeRun(node=node, id="", started_at=0, elapsed=run.age()))
    return counted | {"time_to_first_token": None, "time_to_generate": None} if not run.visible else counted


def _model(run: Run) -> Node:
    return run.app.working_nodes[0] if run.app.working_nodes else MODEL


def _words(run: Run) -> dict[str, Any]:
    talk = run.talk
    assert talk is not None
    conversation = talk.conversation.id if talk.conversation else ""
    return {**run.words, "query": talk.query or run.inputs.get("query", ""), "conversation_id": conversation}
