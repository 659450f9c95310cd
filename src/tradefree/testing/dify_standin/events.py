"""The events of a workflow run, field by field in Dify's order (Dify 1.14.2: core/app/entities/task_entities.py)."""

from __future__ import annotations

from typing import Any

from tradefree.testing.dify_standin.run import NodeRun, Run

Event = dict[str, Any]


def workflow_started(run: Run) -> Event:
    data = {
        "id": run.id,
        "workflow_id": run.app.workflow_id,
        "inputs": run.sys_inputs(timestamp=False),
        "created_at": run.created_at,
        "reason": "initial",
    }
    return _event("workflow_started", run, data)


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
    return _event("node_started", run, data)


def node_finished(run: Run, node: NodeRun) -> Event:
    return _event("node_finished", run, _finished(node))


def node_retry(run: Run, node: NodeRun, retry: int) -> Event:
    return _event("node_retry", run, {**_finished(node), "retry_index": retry})


def text_chunk(run: Run, text: str, selector: list[str]) -> Event:
    return _event("text_chunk", run, {"text": text, "from_variable_selector": selector})


def workflow_finished(run: Run, result: Event) -> Event:
    return _event("workflow_finished", run, result)


def error(code: str, status: int, message: str) -> Event:
    """The event that has no task id."""
    return {"event": "error", "workflow_run_id": None, "code": code, "status": status, "message": message}


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
        "created_at": run.created_at,
        "finished_at": finished_at,
        "exceptions_count": run.exceptions,
        "files": [],
    }


def snapshot(run: Run) -> list[Event]:
    """What a reader who joins late is told first; here the task id is the run id, and inner data is left out."""
    started = {
        "id": run.id,
        "workflow_id": run.app.workflow_id,
        "inputs": run.sys_inputs(timestamp=True),
        "created_at": run.created_at,
        "reason": "initial",
    }
    told = [_replayed("workflow_started", run, started)]
    for index, node in enumerate(run.nodes, start=1):
        told.append(_replayed("node_started", run, _retold_start(node, index)))
        if node.finished_at is not None:
            told.append(_replayed("node_finished", run, _retold_finish(node, index)))
    return told


def finished_run(run: Run) -> Event:
    """The only event of a run that had ended before the reader came."""
    data = result(run, run.status, run.outputs, run.error, run.elapsed, run.finished_at)
    return _replayed("workflow_finished", run, data)


def _event(name: str, run: Run, data: Event) -> Event:
    return {"event": name, "workflow_run_id": run.id, "task_id": run.task_id, "data": data}


def _replayed(name: str, run: Run, data: Event) -> Event:
    return {"event": name, "task_id": run.id, "workflow_run_id": run.id, "data": data}


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
