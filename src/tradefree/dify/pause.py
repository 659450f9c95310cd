"""A paused run as a question to a person, and the person's answer as Dify wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyBusy, DifyError, DifyNotFound, DifyRejected
from tradefree.dify.human import EXPIRED, SUBMITTED
from tradefree.dify.models import mapping_of, text_of
from tradefree.dify.verdict import RunFailed
from tradefree.errors import Busy, OutcomeUnknown
from tradefree.tasks.ports import Run
from tradefree.tasks.questions import Action, Answer, Field, Question

Reasons = Sequence[Mapping[str, Any]]
_EVENT = "dify.form"


def reasons_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Why a run pauses, as ``workflow_paused`` tells it."""
    reasons = data.get("reasons")
    return [mapping_of(reason) for reason in reasons] if isinstance(reasons, list) else []


def token_of(reasons: Reasons) -> str | None:
    """The token of the first form that can be answered over the API."""
    return next((token for reason in reasons if (token := text_of(reason.get("form_token")))), None)


async def question_of(client: DifyClient, reasons: Reasons) -> Question | None:
    """The first form as a question; None if no form can be answered over the API. Others follow when it is answered."""
    token = token_of(reasons)
    if token is None:
        return None
    reason = next(reason for reason in reasons if reason.get("form_token") == token)
    try:
        form: Mapping[str, Any] = await client.human_form(token)  # unlike the event, it has the variables' values
    except DifyError:
        form = {}
    return Question(
        title=text_of(reason.get("node_title")) or "A person must answer",
        content=text_of(form.get("form_content")) or text_of(reason.get("form_content")) or "",
        fields=tuple(_fields(reason)),
        actions=tuple(_actions(reason)),
        expires_at=_moment(reason.get("expiration_time")),
        secret={"form_token": token},
    )


async def hand_in(run: Run, client: DifyClient, answer: Answer, user: str) -> str | None:
    """Post the answer; the form's token, or None if it is for no form of Dify's.

    A form that somebody has answered inside Dify, or that an attempt before this one posted, is no error.
    """
    token = text_of((answer.secret or {}).get("form_token"))
    if token is None:
        return None
    try:
        await client.submit_human_form(token, answer.action, answer.inputs, user)
    except DifyNotFound as error:
        message = f"Dify does not know the form any more. {error.message}"
        raise RunFailed(message, code="dify_form_gone", retryable=False) from error
    except DifyRejected as error:
        if error.code != SUBMITTED:
            raise _refused(error) from error
        run.log(
            "warning",
            "Dify has an answer to this form already; the run goes on with that one.",
            event=_EVENT,
            case="answered",
        )
    except DifyBusy as error:
        raise Busy(error.message, retry_after=error.retry_after) from error
    except DifyError as error:
        raise OutcomeUnknown(f"The answer could not be handed in for certain. {error.message}") from error
    else:
        words = f"The answer {answer.action!r} was handed in at Dify."
        run.log("info", words, event=_EVENT, case="handed_in", action=answer.action)
    return token


def _refused(error: DifyRejected) -> RunFailed:
    if error.code == EXPIRED:
        message = "Dify's own time for this form was over before the answer could be handed in."
        return RunFailed(f"{message} {error.message}", code="dify_form_expired", retryable=False)
    return RunFailed(f"Dify refused the answer. {error.message}", code="dify_form_refused", retryable=False)


def _fields(reason: Mapping[str, Any]) -> list[Field]:
    resolved = mapping_of(reason.get("resolved_default_values"))
    fields = []
    for given in reason.get("inputs") or []:
        entry = mapping_of(given)
        if name := text_of(entry.get("output_variable_name")):
            default = resolved.get(name, mapping_of(entry.get("default")).get("value"))
            fields.append(Field(name, default=default if isinstance(default, str) and default else None))
    return fields


def _actions(reason: Mapping[str, Any]) -> list[Action]:
    entries = [mapping_of(given) for given in reason.get("actions") or []]
    return [Action(id_, text_of(entry.get("title")) or "") for entry in entries if (id_ := text_of(entry.get("id")))]


def _moment(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) and 0 < value < 1e11 else None
