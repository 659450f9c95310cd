"""A run that pauses until somebody fills in a form (Dify 1.14.2)."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import string
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tradefree.testing.dify_standin import events, form_events
from tradefree.testing.dify_standin.person import FormAction, PersonForm
from tradefree.testing.dify_standin.replies import DifyError
from tradefree.testing.dify_standin.run import NodeRun, Run, now

PAUSE = math.inf
"""What a script yields to wait until it is resumed."""

_VARIABLE = re.compile(r"\{\{#([\w$-]+)\.([\w.]+)#\}\}")
_TOKEN_LETTERS = string.ascii_letters + string.digits
_TOKEN_LENGTH = 22


def _token() -> str:
    return "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(_TOKEN_LENGTH))


@dataclass(slots=True, eq=False)
class Form:
    """One form of one run, answered at most once."""

    run: Run
    node: NodeRun
    asks: PersonForm
    expires_at: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(default_factory=_token)
    action: FormAction | None = None
    """What was chosen; None: it is open."""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def told_token(self) -> str | None:
        return self.token if self.asks.web_app else None

    @property
    def content(self) -> str:
        """The text with the run's variables filled in, the form's own fields left as they are."""
        return self._filled({})

    @property
    def rendered(self) -> str:
        """The text with what was answered."""
        return self._filled(self.values)

    def check_open(self) -> None:
        """Raises `DifyError` 412."""
        if self.action is not None:
            text = f"This form has already been submitted by another user, form_id={self.id}"
            raise DifyError(412, "human_input_form_submitted", text)
        if time.time() >= self.expires_at:
            raise DifyError(412, "human_input_form_expired", f"This form has expired, form_id={self.id}")

    def submit(self, action_id: str, values: dict[str, Any]) -> None:
        """Take the answer. Raises `DifyError` 412, or 400 for an answer that does not fit."""
        self.check_open()
        action = next((known for known in self.asks.actions if known.id == action_id), None)
        if action is None:
            raise DifyError(400, "invalid_form_data", f"Invalid action: {action_id}")
        if missing := [known.name for known in self.asks.fields if known.name not in values]:
            raise DifyError(400, "invalid_form_data", f"Missing required inputs: {', '.join(missing)}")
        self.action = action
        self.values = {known.name: values[known.name] for known in self.asks.fields}

    def _filled(self, own: dict[str, Any]) -> str:
        def value(match: re.Match[str]) -> str:
            node, name = match.groups()
            if node == "$output":
                return str(own.get(name, match[0]))
            known = {**self.run.sys_inputs(timestamp=False), **self.run.answers}
            told = known.get(f"{node}.{name}", known.get(f"{node}_{name}", known.get(name)))
            return "" if told is None else str(told)

        return _VARIABLE.sub(value, self.asks.content)


def ask(run: Run, node: NodeRun) -> Iterator[float]:
    """Tell the form, wait for the answer, and go on as another worker of Dify's does: with times of its own."""
    asks = node.node.form or PersonForm()
    form = Form(run, node, asks, int(time.time() + asks.expires_seconds))
    run.forms.append(form)
    node.status, node.finished_at, node.elapsed = "paused", now(), run.age()
    run.status = "paused"
    run.emit(form_events.required(run, form))
    run.emit(form_events.paused(run, form, run.age()))
    yield PAUSE
    run.status = "running"
    run.leg_at = node.started_at = now()
    run.began = asyncio.get_running_loop().time()
    node.status, node.finished_at = "running", None
    run.steps += 1
    run.emit(events.workflow_started(run, "resumption"))
    run.emit(events.node_started(run, node))
    _take(run, node, form)
    run.emit(form_events.filled(run, form))


def _take(run: Run, node: NodeRun, form: Form) -> None:
    assert form.action is not None
    for name, value in {"action": form.action.id, **form.values}.items():
        run.answers[f"{node.node.id}_{name}"] = value
    node.inputs = {name: {"value_type": "string", "value": value} for name, value in form.values.items()}
    node.outputs = {
        **form.values,
        "__action_id": form.action.id,
        "__rendered_content": form.rendered,
        "__action_value": form.action.title,
    }
