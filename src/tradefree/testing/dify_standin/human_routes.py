"""Forms of paused runs: looked at and answered. Whoever has a form's token may answer it."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel

from tradefree.testing.dify_standin import form_events
from tradefree.testing.dify_standin.envelope import ENGINE, app_of, body_of, flow_app, validated
from tradefree.testing.dify_standin.pause import Form
from tradefree.testing.dify_standin.replies import DifyError, answer, run_answer


class HumanInputFormSubmitPayload(BaseModel):
    """Named as in Dify."""

    inputs: dict[str, Any]
    action: str


async def show_form(request: web.Request) -> web.Response:
    """GET /form/human_input/{token}."""
    form = _form(request)
    form.check_open()
    shown = run_answer(form_events.shown(form))
    shown.headers["Content-Type"] = "application/json"
    return shown


async def submit_form(request: web.Request) -> web.Response:
    """POST /form/human_input/{token}: the run goes on as soon as a worker is free."""
    form = _form(request)
    body, _ = await body_of(request)
    given = {name: value for name, value in body.items() if name in HumanInputFormSubmitPayload.model_fields}
    payload = validated(HumanInputFormSubmitPayload, given)
    form.submit(payload.action, payload.inputs)
    request.app[ENGINE].resume(form.run)
    return answer({})


def _form(request: web.Request) -> Form:
    """Raises `DifyError` 404 for a token that is unknown or another app's."""
    app = flow_app(app_of(request))
    form = request.app[ENGINE].store.forms.get(request.match_info["token"])
    if form is None or form.run.app.key != app.key or not form.asks.web_app:
        raise DifyError(404, "not_found", "Form not found")
    return form
