"""The events of a workflow run, field by field in Dify's order (Dify 1.14.2: core/app/entities/task_entities.py)."""

from __future__ import annotations

from typing import Any

from tradefree.testing.dify_standin.run import NodeRun, Run

Event = dict[str, Any]


def workflow_started(run: Run, reason: str = "initial") -> Event:
    data = {
        "id": run.id,
        "workflow_id": run.app.workflow_id,
        "inputs": run.sys_inputs(timestamp=False),
        "created_at": run.leg_at,
        "reason": reason,
    }
    return event("workflow_started", run, data)


def node_started(run: Run, node: NodeRun) -> Event:
    data = {
        **_node(node),
        "inputs": None,
        "inputs_truncated": False,
        "created_at": node.started_at,
        "extras": {},
        "iteration_id": None,
        "loop_id": None,
        "agent_strategy": None,
    }
    return event("node_started", run, data)


def node_finished(run: Run, node: NodeRun) -> Event:
    return event("node_finished", run, _finished(node))


def node_retry(run: Run, node: NodeRun, retry: int) -> Event:
    return event("node_retry", run, {**_finished(node), "retry_index": retry})


def text_chunk(run: Run, text: str, selector: list[str]) -> Event:
    return event("text_chunk", run, {"text": text, "from_variable_selector": selector})


def workflow_finished(run: Run, result: Event) -> Event:
    return event("workflow_finished", run, result)


def message(run: Run, text: str, selector: list[str] | None) -> Event:
    """A piece of an answer."""
    return _spoken("message", run, {"answer": text, "from_variable_selector": selector})


def message_end(run: Run, usage: Event, files: list[Event] | None) -> Event:
    """The end of an answer. `files` is null in chats, a list in chatflows."""
    metadata: Event = {"annotation_reply": None, "retriever_resources": [], "usage": usage}
    return _spoken("message_end", run, {"metadata": metadata, "files": files})


def _spoken(name: str, run: Run, more: Event) -> Event:
    talk = run.talk
    assert talk is not None
    return {"event": name, **talk.ids(), "task_id": run.task_id, "id": talk.message_id, **more}


def error(run: Run, code: str, status: int, message: str) -> Event:
    """The event that has no task id."""
    ids = run.talk.ids() if run.speaks and run.talk else {"workflow_run_id": None}
    return {"event": "error", **ids, "code": code, "status": status, "message": message}


def result(
    run: Run, status: str, outputs: Event, message: str | None, elapsed: float, finished_at: int | None
) -> Event:
    """The data of `workflow_finished`."""
    return {
        "id": run.id,
        "workflow_id": run.app.workflow_id,
        "status": status,
        "outputs": outputs,
        "error": message,
        "elapsed_time": elapsed,
        "total_tokens": run.tokens,
        "total_steps": run.steps,
        "created_by": run.end_user(),
        "created_at": run.leg_at,
        "finished_at": finished_at,
        "exceptions_count": run.exceptions,
        "files": [],
    }


def snapshot(run: Run) -> list[Event]:
    """What a reader who joins late is told first, without inner data; the task id is the run id unless it is paused."""
    started = {
        "id": run.id,
        "workflow_id": run.app.workflow_id,
        "inputs": run.sys_inputs(timestamp=True),
        "created_at": run.created_at,
        "reason": "initial",
    }
    told = [replayed("workflow_started", run, started)]
    for index, node in enumerate(run.nodes, start=1):
        told.append(replayed("node_started", run, _retold_start(node, index)))
        if node.finished_at is not None:
            told.append(replayed("node_finished", run, _retold_finish(node, index)))
    return told


def finished_run(run: Run) -> Event:
    """The only event of a run that had ended before the reader came."""
    told = result(run, run.status, run.outputs, run.error, run.elapsed, run.finished_at)
    data = {**told, "created_at": run.created_at}
    return replayed("workflow_finished", run, data)


def event(name: str, run: Run, data: Event) -> Event:
    if run.talk is not None:
        ids = {**run.talk.ids(), "task_id": run.task_id, "workflow_run_id": run.id}
        return {"event": name, **ids, "data": data}
    return {"event": name, "workflow_run_id": run.id, "task_id": run.task_id, "data": data}


def replayed(name: str, run: Run, data: Event) -> Event:
    return {"event": name, "task_id": run.task_id if run.paused else run.id, "workflow_run_id": run.id, "data": data}


def _node(node: NodeRun, index: int = 1) -> Event:
    return {
        "id": node.id,
        "node_id": node.node.id,
        "node_type": node.node.type,
        "title": node.node.title,
        "index": index,
        "predecessor_node_id": None,
    }


def _finished(node: NodeRun) -> Event:
    return {
        **_node(node),
        "inputs": node.inputs,
        "inputs_truncated": False,
        "process_data": node.process_data,
        "process_data_truncated": False,
        "outputs": node.outputs,
        "outputs_truncated": False,
        "status": node.status,
        "error": node.error,
        "elapsed_time": node.elapsed,
        "execution_metadata": node.metadata,
        "created_at": node.started_at,
        "finished_at": node.finished_at,
        "files": [],
        "iteration_id": None,
        "loop_id": None,
    }


def _retold_start(node: NodeRun, index: int) -> Event:
    return {
        **_node(node, index),
        "inputs": None,
        "created_at": node.started_at,
        "extras": {},
        "iteration_id": None,
        "loop_id": None,
    }


def _retold_finish(node: NodeRun, index: int) -> Event:
    return {
        **_node(node, index),
        "inputs": None,
        "process_data": None,
        "outputs": None,
        "status": node.status,
        "error": node.error,
        "elapsed_time": node.elapsed,
        "execution_metadata": node.metadata,
        "created_at": node.started_at,
        "finished_at": node.finished_at,
        "files": [],
        "iteration_id": None,
        "loop_id": None,
    }
