"""From Dify's words to the domain's: what a run's result or an error means for the task."""

from __future__ import annotations

from tradefree.dify.errors import DifyBusy, DifyError, DifyUncertain
from tradefree.dify.models import FAILED, PARTIAL, PAUSED, STOPPED, SUCCEEDED, RunResult
from tradefree.dify.narrate import clipped
from tradefree.dify.options import RunOptions
from tradefree.dify.usage import Meter
from tradefree.errors import Busy, Failed, OutcomeUnknown, RunLost, RunnerError
from tradefree.tasks.outcome import Completed
from tradefree.tasks.task import Usage

USER_STOP = "Aborted: User requested stop"
"""The other face of a stop: a stream that says ``failed`` with these words. Seen in 6 of 15 stops of Dify 1.14.2."""

_ADVICE = {
    "unauthorized": "Is the connection's api_key the key of this app, and still there?",
    "forbidden": "In Dify: is the app there, and its API access switched on?",
    "not_workflow_app": "The key belongs to an app that is no workflow; use the runner for its mode.",
    "not_chat_app": "The key belongs to an app that does not chat; use the runner for its mode.",
    "not_completion_app": "The key belongs to an app that is no completion app; use the runner for its mode.",
    "app_unavailable": "In Dify: is the app published and complete? Is the runner the one for its mode?",
    "not_found": "Is the task type's workflow_id the id of a published version of this app?",
    "http_404": "Does the connection's base_url lead to Dify's Service API (it ends in /v1)?",
    "http_413": "The input is larger than Dify or the proxy before it takes.",
    "provider_not_initialize": "In Dify: give the model provider its credentials.",
    "provider_quota_exceeded": "In Dify: the model provider's quota is used up.",
    "model_currently_not_support": "In Dify: choose another model.",
    "file_too_large": "The file is larger than Dify takes.",
    "invalid_param": "Does the task's input fit the app's form?",
}
_ADVICE_ON_WORDS = {
    "Workflow not published": "In Dify: publish the workflow.",
    "Model is not configured": "In Dify: give the model provider its credentials.",
    "No class mapping found": "In Dify: the workflow has a node this server does not know; mend and publish it.",
    "Invalid upload file": "A file must be uploaded by the same user that starts the run.",
}


class RunFailed(Failed):
    """A run that ended without success; ``usage`` is what it cost all the same."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retryable: bool = True,
        retry_after: float | None = None,
        usage: Usage = Usage(),
    ) -> None:
        super().__init__(message, code=code, retryable=retryable, retry_after=retry_after)
        self.usage = usage


class RunUnaccounted(RunLost):
    """A run that looking has not accounted for; ``usage`` is what is known of its cost."""

    def __init__(self, message: str, *, usage: Usage = Usage()) -> None:
        super().__init__(message)
        self.usage = usage


def usage_of(meter: Meter, result: RunResult | None = None) -> Usage:
    """What is known of the cost: the nodes' prices, the run's own count of tokens and seconds."""
    cost = meter.cost(result.total_tokens if result else None)
    return Usage(
        total_tokens=cost.total_tokens,
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        price=cost.price,
        currency=cost.currency,
        elapsed=result.elapsed_time if result else None,
    )


def is_stop(result: RunResult) -> bool:
    """Somebody, or a time limit of Dify, stopped the run."""
    return result.status == STOPPED or (result.status == FAILED and result.error == USER_STOP)


def settle(result: RunResult, usage: Usage, options: RunOptions, *, stop_asked: bool) -> Completed:
    """What a settled run comes to: Completed, or RunFailed. A success stays one although a cancel was asked for."""
    if result.status == SUCCEEDED:
        return Completed(result.outputs, usage)
    if result.status == PARTIAL:
        return _partial(result, usage, options)
    if stop_asked and is_stop(result):
        raise RunFailed("The run was stopped, as asked.", code="stopped", retryable=False, usage=usage)
    if is_stop(result):
        raise RunFailed(
            f"Dify stopped the run ({result.error or 'no reason given'}) though nobody asked for it here: a person in "
            "Dify or one of its time limits did. Retry the task if it should run again.",
            code="dify_stopped",
            retryable=False,
            usage=usage,
        )
    if result.status == PAUSED:
        raise RunFailed(
            "The run waits for a person, and its form cannot be answered from here. In Dify: switch the human input "
            "node's web app delivery on, so that the API gets the form's token.",
            code="dify_paused",
            retryable=False,
            usage=usage,
        )
    raise RunFailed(
        f"The Dify run ended as {result.status}: {clipped(result.error or 'no reason given')}",
        code="dify_run_failed",
        usage=usage,
    )


def _partial(result: RunResult, usage: Usage, options: RunOptions) -> Completed:
    caught = f"{result.exceptions} failed step(s)" if result.exceptions else "failed steps"
    note = f"Dify calls it partial-succeeded: {caught} had a retry or an error strategy that took over."
    if options.partial_success == "fail":
        raise RunFailed(f"{note} The task type counts that as failure.", code="dify_partial", usage=usage)
    return Completed(result.outputs, usage, note)


def runner_error(error: DifyError, *, started: bool = False, usage: Usage = Usage()) -> RunnerError:
    """The domain's word for an error. ``started``: a run is known, so "busy" is no longer "nothing was started"."""
    ours = _domains_word(error, started=started, usage=usage)
    ours.unreachable = error.unreachable
    return ours


def _domains_word(error: DifyError, *, started: bool, usage: Usage) -> RunnerError:
    if isinstance(error, DifyUncertain):
        return OutcomeUnknown(error.message)
    if isinstance(error, DifyBusy) and not started:
        return Busy(error.message, retry_after=error.retry_after)
    if error.retryable:
        code = "dify_run_failed" if started else "dify_unavailable"
        return RunFailed(error.message, code=code, retry_after=error.retry_after, usage=usage)
    message = f"{error.message} {advice}" if (advice := _advice(error)) else error.message
    return RunFailed(message, code="dify_rejected", retryable=False, usage=usage)


def _advice(error: DifyError) -> str:
    for words, advice in _ADVICE_ON_WORDS.items():
        if words in error.message:
            return advice
    return _ADVICE.get(error.code, "")
