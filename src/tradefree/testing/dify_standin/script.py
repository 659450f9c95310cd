"""How a run goes, step by step. A script is a generator that sends events and yields the told seconds to wait."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from tradefree.testing.dify_standin import events, nodes
from tradefree.testing.dify_standin.apps import Node
from tradefree.testing.dify_standin.outputs import render, render_seconds
from tradefree.testing.dify_standin.pause import ask
from tradefree.testing.dify_standin.person import HUMAN
from tradefree.testing.dify_standin.run import NodeRun, Run, now
from tradefree.testing.dify_standin.speaking import answer_of, parts_of, usage_of

_INSTANT_SECONDS = 0.000142
"""What a start or end node takes in Dify's own figures."""

_MAX_CHUNKS = 20
"""A long text of a model arrives in at most so many pieces."""

_FIRST_TOKEN_SHARE = 0.4
"""Share of a model call that passes before its first word."""


class _Failed(Exception):
    """A node failed and the run ends."""


def perform(run: Run) -> Iterator[float]:
    """The whole run up to its result. The caller sets `script`, waits as told and looks at `run.over`."""
    run.visible = True
    run.created_at = run.leg_at = now()
    run.began = asyncio.get_running_loop().time()
    run.emit(events.workflow_started(run))
    outputs: dict[str, Any] = {}
    try:
        for node in run.app.nodes:
            yield from _perform_node(run, node, outputs)
            if run.over:
                return
    except _Failed as failure:
        finish(run, "failed", {}, str(failure))
        return
    finish(run, "partial-succeeded" if run.exceptions else "succeeded", outputs, None)


def finish(run: Run, status: str, outputs: dict[str, Any], error: str | None, *, row_status: str | None = None) -> None:
    """The result: into the row, then to the readers. `row_status` where Dify stores another status than it tells."""
    run.elapsed = run.age()
    run.finished_at = now()
    run.status = row_status or status
    run.outputs = outputs
    run.error = error
    tell(run, status, outputs, error)


def tell(run: Run, status: str, outputs: dict[str, Any], error: str | None) -> None:
    """The result to the readers only."""
    if run.talk is not None and status != "succeeded":
        outputs = {"answer": run.said, "files": []}
    run.over = True
    run.final = events.result(run, status, outputs, error, run.age(), now())
    if run.talk is not None:
        run.talk.answer = run.said
        run.talk.status = "error" if status == "failed" else "normal"
        if status in ("succeeded", "partial-succeeded"):
            run.emit(events.message_end(run, usage_of(run, run.tokens), []))
    if not run.behaviour.missing_final_event:
        run.emit(events.workflow_finished(run, run.final))


def _perform_node(run: Run, node: Node, outputs: dict[str, Any]) -> Iterator[float]:
    done = NodeRun(node=node, id=str(uuid.uuid4()), started_at=now())
    run.nodes.append(done)
    run.steps += 1
    run.emit(events.node_started(run, done))
    if run.aborting:
        # Dify 1.14.2: one more node starts before the engine reads the command.
        finish(run, "failed", {}, "Aborted: User requested stop", row_status="stopped")
        return
    if node.type == HUMAN:
        yield from ask(run, done)
    seconds = _seconds(run, node)
    waits = seconds + _retry_seconds(run, node)
    run.node_ends = asyncio.get_running_loop().time() + waits * run.scale
    yield from _retries(run, done)
    yield from _work(run, done, outputs, seconds)
    _end_node(run, done, outputs)
    run.emit(events.node_finished(run, done))
    if done.status == "failed":
        raise _Failed(done.error)


def _work(run: Run, node: NodeRun, outputs: dict[str, Any], seconds: float) -> Iterator[float]:
    """Wait for as long as the node takes, and send the text that its end releases."""
    node.elapsed = round(seconds, 6) or _INSTANT_SECONDS
    speaks = node.node.id == _text_node(run) and not _fails(run, node.node)
    spread = node.node.type == "llm" and bool(run.streams)
    if seconds:
        yield seconds * _FIRST_TOKEN_SHARE if speaks and spread else seconds
    if speaks:
        _settle_outputs(run, node, outputs)
        yield from _speak(run, node, outputs, seconds * (1 - _FIRST_TOKEN_SHARE) if spread else 0.0)


def _end_node(run: Run, node: NodeRun, outputs: dict[str, Any]) -> None:
    node.finished_at = now()
    partial = run.behaviour.partial_success
    if _fails(run, node.node):
        node.status, node.error = "failed", run.behaviour.fail.error if run.behaviour.fail else ""
        run.exceptions += 1
        nodes.fill_failed(node)
    elif partial and node.node.id == _faulty(run, partial.node):
        node.status, node.error = "exception", "Unknown error"
        run.exceptions += 1
        nodes.fill_defaulted(node, partial.error, partial.error_type, nodes.main_text(outputs or _preview(run)))
    else:
        if node.node.type == "end" and not outputs:
            _settle_outputs(run, node, outputs)
        nodes.fill(run, node, outputs or _preview(run))
        node.status = "succeeded"
        run.tokens += node.node.tokens


def _retries(run: Run, node: NodeRun) -> Iterator[float]:
    retry = run.behaviour.node_retry
    if retry is None or not _retry_seconds(run, node.node):
        return
    for index in range(1, retry.retries + 1):
        yield retry.seconds
        failed = NodeRun(node=node.node, id=node.id, started_at=node.started_at, status="retry", error=retry.error)
        failed.finished_at = now()
        failed.elapsed = retry.seconds
        nodes.fill_failed(failed)
        run.steps += 1
        run.exceptions += 1
        run.emit(events.node_retry(run, failed, index))


def _retry_seconds(run: Run, node: Node) -> float:
    """How long the failed tries of this node take together; 0 for none."""
    retry = run.behaviour.node_retry
    return retry.retries * retry.seconds if retry and node.id == _faulty(run, retry.node) else 0.0


def _speak(run: Run, node: NodeRun, outputs: dict[str, Any], seconds: float) -> Iterator[float]:
    """The outputs as text, a line end between two of them (Dify 1.14.2: the end node's answer is streamed)."""
    if run.talk is not None:
        yield from _answer(run, node, seconds)
        return
    first = True
    wait = seconds
    for name, value in outputs.items():
        if value is None or name == "filler":
            continue
        if not first:
            run.emit(events.text_chunk(run, "\n", ["end", "answer"]))
        pieces = _pieces(node, value) if first else [_text(value)]
        first = False
        for piece in pieces:
            run.emit(events.text_chunk(run, piece, [node.node.id, name]))
            if wait and len(pieces) > 1:
                yield seconds / len(pieces)
        if len(pieces) > 1:
            wait = 0.0
    if wait:
        yield wait


def _answer(run: Run, node: NodeRun, seconds: float) -> Iterator[float]:
    """The answer of a chatflow: a model's word by word, else as its answer node puts it together."""
    if node.node.type == "llm":
        told = [(piece, [node.node.id, "text"]) for piece in _pieces(node, answer_of(run))]
    else:
        told = parts_of(run)
    for text, selector in told:
        run.said += text
        run.emit(events.message(run, text, selector))
        if seconds and len(told) > 1:
            yield seconds / len(told)


def _pieces(node: NodeRun, value: Any) -> list[str]:
    """A model's text word by word and two empty pieces at the end, as seen; anything else at once."""
    text = _text(value)
    if node.node.type != "llm" or not isinstance(value, str):
        return [text]
    words = text.split(" ")
    size = -(-len(words) // _MAX_CHUNKS)
    groups = [" ".join(words[at : at + size]) for at in range(0, len(words), size)]
    return [groups[0], *(f" {group}" for group in groups[1:]), "", ""]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if isinstance(value, dict) else None).decode()


def _settle_outputs(run: Run, node: NodeRun, outputs: dict[str, Any]) -> None:
    usages = run.usages()
    if node.node.type == "llm":
        usages[node.node.id] = nodes.usage(node)
    outputs.update(_render(run, usages))
    if run.behaviour.huge_output:
        outputs["filler"] = "x" * run.behaviour.huge_output


def _preview(run: Run) -> dict[str, Any]:
    """What a node that comes before the outputs are settled works on."""
    return _render(run, {})


def _render(run: Run, usages: dict[str, Any]) -> dict[str, Any]:
    if run.talk is not None:
        return {"answer": answer_of(run), "files": []}
    if run.app.outputs is None:
        return dict(run.inputs)
    return {name: render(expression, run.words, usages) for name, expression in run.app.outputs.items()}


def _seconds(run: Run, node: Node) -> float:
    working = run.app.working_nodes
    slowed = working[0].id if working else run.app.nodes[-1].id
    if run.behaviour.slow is not None and node.id == slowed:
        return render_seconds(run.behaviour.slow, run.words)
    return render_seconds(node.seconds, run.words)


def _text_node(run: Run) -> str:
    if run.app.text_at:
        return run.app.text_at
    working = run.app.working_nodes
    return working[-1].id if working else run.app.nodes[-1].id


def _faulty(run: Run, named: str | None) -> str:
    working = run.app.working_nodes
    return named or (working[-1].id if working else run.app.nodes[-1].id)


def _fails(run: Run, node: Node) -> bool:
    fail = run.behaviour.fail
    return fail is not None and node.id == _faulty(run, fail.node)
