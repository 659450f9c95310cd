"""What is told of a form, field by field in Dify's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tradefree.testing.dify_standin.events import Event, event, replayed
from tradefree.testing.dify_standin.run import Run

if TYPE_CHECKING:
    from tradefree.testing.dify_standin.pause import Form


def required(run: Run, form: Form) -> Event:
    return event("human_input_required", run, _required(form, form.content))


def paused(run: Run, form: Form, elapsed: float) -> Event:
    return event("workflow_paused", run, _paused(run, form, form.content, elapsed))


def filled(run: Run, form: Form) -> Event:
    action = form.action
    assert action is not None
    data = {
        "node_id": form.node.node.id,
        "node_title": form.node.node.title,
        "rendered_content": form.rendered,
        "action_id": action.id,
        "action_text": action.title,
    }
    return event("human_input_form_filled", run, data)


def retold(run: Run) -> list[Event]:
    """The end of a snapshot of a paused run. Dify 1.14.2 does not fill the text's variables in here."""
    form = run.forms[-1]
    raw = form.asks.content
    return [
        replayed("human_input_required", run, _required(form, raw)),
        replayed("workflow_paused", run, _paused(run, form, raw, 0.0)),
    ]


def shown(form: Form) -> Event:
    """The answer to GET /form/human_input/{token}."""
    return {
        "form_content": form.content,
        "inputs": _inputs(form),
        "resolved_default_values": {},
        "user_actions": _actions(form),
        "expiration_time": form.expires_at,
    }


def paused_answer(run: Run) -> Event:
    """What a blocking caller of a paused run is told under `data`, after the usual fields."""
    form = run.forms[-1]
    return {"paused_nodes": [form.node.node.id], "reasons": [_reason(form, form.content)]}


def _required(form: Form, content: str) -> Event:
    return {
        "form_id": form.id,
        "node_id": form.node.node.id,
        "node_title": form.node.node.title,
        "form_content": content,
        "inputs": _inputs(form),
        "actions": _actions(form),
        "display_in_ui": True,
        "form_token": form.told_token,
        "resolved_default_values": {},
        "expiration_time": form.expires_at,
    }


def _paused(run: Run, form: Form, content: str, elapsed: float) -> Event:
    return {
        "workflow_run_id": run.id,
        "paused_nodes": [form.node.node.id],
        "outputs": {},
        "reasons": [_reason(form, content)],
        "status": "paused",
        "created_at": run.created_at,
        "elapsed_time": elapsed,
        "total_tokens": run.tokens,
        "total_steps": run.steps,
    }


def _reason(form: Form, content: str) -> Event:
    return {
        "TYPE": "human_input_required",
        "form_id": form.id,
        "form_content": content,
        "inputs": _inputs(form),
        "actions": _actions(form),
        "node_id": form.node.node.id,
        "node_title": form.node.node.title,
        "resolved_default_values": {},
        "form_token": form.told_token,
        "expiration_time": form.expires_at,
    }


def _inputs(form: Form) -> list[dict[str, Any]]:
    return [known.document() for known in form.asks.fields]


def _actions(form: Form) -> list[dict[str, Any]]:
    return [known.document() for known in form.asks.actions]
