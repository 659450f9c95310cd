"""A look at the Dify app behind a connection: address, key, kind of app, publication, form. Nothing is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiohttp

from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyBusy, DifyError, DifyNotFound, DifyUnavailable
from tradefree.dify.models import AppInfo, InputField
from tradefree.dify.options import ChatOptions, CompletionOptions, RunOptions, WorkflowOptions
from tradefree.dify.schema import schema_of_form
from tradefree.dify.wire import Timeouts
from tradefree.errors import InvalidInput
from tradefree.tasks.endpoints import Finding, FormInput, Report
from tradefree.tasks.types import Connection, TaskType

_OPTIONS: Mapping[str, type[RunOptions]] = {
    "dify.workflow": WorkflowOptions,
    "dify.chat": ChatOptions,
    "dify.completion": CompletionOptions,
}

MODES: Mapping[str, frozenset[str]] = {
    "dify.workflow": frozenset({"workflow"}),
    "dify.chat": frozenset({"chat", "advanced-chat", "agent-chat"}),
    "dify.completion": frozenset({"completion"}),
}
"""The kinds of app that each runner can ask (Dify 1.14.2)."""

PATIENCE = Timeouts(connect=5.0, answer=10.0)
"""A person waits for the answer."""

ORDER = ("address", "key", "app", "published", "form")


class DifyEndpoints:
    """Looks at Dify apps; ``Endpoints`` for connections of kind ``dify``."""

    def __init__(self, timeouts: Timeouts = PATIENCE) -> None:
        self._timeouts = timeouts

    async def examine(self, connection: Connection, users: Sequence[TaskType]) -> Report:
        """See ``Endpoints``. Two calls: ``/info``, which needs no publication, and ``/parameters``, which does."""
        async with DifyClient(connection.base_url, connection.api_key, timeouts=self._timeouts) as client:
            try:
                info = await client.info()
            except DifyError as error:
                return _report(connection, [*_before(error), _trouble(error, client.root)], client)
            found = [
                Finding(check="address", status="ok", detail=_server(client)),
                Finding(check="key", status="ok", detail="is accepted"),
                _kind(info, users),
            ]
            try:
                form = (await client.parameters()).form
            except DifyError as error:
                return _report(connection, [*found, _unpublished(error, client.root)], client, info)
            found += [
                Finding(check="published", status="ok", detail="the app is published"),
                _form(form, users),
            ]
            return _report(connection, found, client, info, form)

    async def derive_schema(self, connection: Connection, task_type: TaskType) -> dict[str, Any]:
        """See ``Endpoints``: from the form of the app's latest version."""
        options = _options(task_type)
        async with DifyClient(connection.base_url, connection.api_key, timeouts=self._timeouts) as client:
            try:
                form = (await client.parameters()).form
            except DifyError as error:
                finding = _unpublished(error, client.root) if _before(error) or error.status == 400 else None
                finding = finding or _trouble(error, client.root)
                reason = f"cannot be had from the app of {connection.name}: {finding.detail}. {finding.advice}"
                raise InvalidInput(reason, field="input_schema") from None
        return schema_of_form(form, options.inputs, _beside(options))


def _options(task_type: TaskType) -> RunOptions:
    """The type's options, as its runner understands them. Raises InvalidInput if its runner asks no apps."""
    kind = _OPTIONS.get(task_type.runner)
    if kind is None:
        raise InvalidInput(f"from-app is for {', '.join(_OPTIONS)}, not for {task_type.runner}", field="input_schema")
    options = kind.of(task_type.options)
    if getattr(options, "workflow_id", None):
        reason = "Dify shows the form of the latest version only: leave options.workflow_id out, or write the schema"
        raise InvalidInput(reason, field="input_schema")
    return options


def _beside(options: RunOptions) -> dict[str, dict[str, Any]]:
    """What is read from the input beside the app's variables."""
    beside: dict[str, dict[str, Any]] = {}
    if isinstance(options, ChatOptions | CompletionOptions) and options.query:
        beside[options.query] = {"type": "string"}
    if isinstance(options, ChatOptions):
        beside[options.query] = {"type": "string", "minLength": 1}
        if options.conversation:
            beside.setdefault(options.conversation, {})
    return beside


def _report(
    connection: Connection,
    found: list[Finding],
    client: DifyClient,
    info: AppInfo | None = None,
    form: Iterable[InputField] | None = None,
) -> Report:
    """With the checks that were not come to: skipped."""
    seen, last = {finding.check for finding in found}, found[-1].check
    rest = [
        Finding(check=check, status="skipped", detail=f"the {last} comes first") for check in ORDER if check not in seen
    ]
    return Report(
        connection=connection.name,
        ok=all(finding.status != "failed" for finding in found),
        checks=(*found, *rest),
        app=info.name if info else None,
        mode=info.mode if info else None,
        server_version=client.server_version,
        form=None if form is None else tuple(_input(field) for field in form),
    )


def _input(field: InputField) -> FormInput:
    return FormInput(
        variable=field.variable,
        kind=field.kind,
        label=field.label,
        required=field.required,
        max_length=field.max_length,
        options=field.options,
    )


def _server(client: DifyClient) -> str:
    version = f"version {client.server_version}" if client.server_version else "a version it does not tell"
    return f"{client.root} is a Dify of {version}"


# ── what went wrong ─────────────────────────────────────────────────────────────────────────────────────────────────


def _before(error: DifyError) -> list[Finding]:
    """What is known to be right although the first call failed."""
    if error.status == 401:
        return [Finding(check="address", status="ok", detail="a Dify answers")]
    if error.status == 403:
        return [
            Finding(check="address", status="ok", detail="a Dify answers"),
            Finding(check="key", status="ok", detail="is known"),
        ]
    return []


def _trouble(error: DifyError, root: str) -> Finding:
    """The first call failed: at which check, and what to do."""
    if error.status == 401:
        advice = "Copy the key of this app anew (in Dify: API access of the app; it begins with app-)."
        return _failed("key", error.message, advice)
    if error.status == 403:
        return _failed("app", error.message, "In Dify: is the app there, and its API access switched on?")
    if error.code == "unreachable":
        return _unreachable(error, root)
    if isinstance(error, DifyBusy):
        return _failed("address", f"{root} has no room just now: {error.message}", "Check again later.")
    if error.code == "not_dify" or isinstance(error, DifyNotFound) or 300 <= (error.status or 0) < 400:
        advice = "Set base_url to Dify's Service API, such as https://dify.example.com/v1."
        return _failed("address", f"{root} is no Dify Service API: {error.message}", advice)
    if error.code == "timeout":
        advice = "Is Dify overloaded, or is something else at this address?"
        return _failed("address", f"{root} takes the connection and does not answer in time", advice)
    if isinstance(error, DifyUnavailable):
        return _failed("address", f"{root} fails: {error.message}", "Look at Dify's own logs, and its proxy's.")
    return _failed("address", error.message, "Look at Dify's own logs.")


def _unreachable(error: DifyError, root: str) -> Finding:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return _failed("address", f"the host name in {root} is not known here", "Mend base_url, or the name server.")
    if isinstance(cause, aiohttp.ClientSSLError):
        advice = "Mend the server's certificate, or trust the authority that signed it on this machine."
        return _failed("address", f"{root} shows no certificate that is trusted here: {cause}", advice)
    if isinstance(cause, aiohttp.ClientConnectorError) and isinstance(cause.os_error, ConnectionRefusedError):
        advice = "Start Dify, or mend host and port in base_url."
        return _failed("address", f"{root} refuses connections: nothing listens there", advice)
    advice = "Is the host up, and no firewall between it and the service and the workers?"
    return _failed("address", f"{root} cannot be reached: {error.message}", advice)


def _unpublished(error: DifyError, root: str) -> Finding:
    if error.code == "app_unavailable":
        return _failed("published", "the app is not published, or not complete", "In Dify: publish the app.")
    advice = "Check again; if it stays, look at Dify's own logs."
    return _failed("published", f"{root} does not show the app's form: {error.message}", advice)


def _failed(check: str, detail: str, advice: str) -> Finding:
    return Finding(check=check, status="failed", detail=detail, advice=advice)


# ── does it suit its users? ─────────────────────────────────────────────────────────────────────────────────────────


def _kind(info: AppInfo, users: Sequence[TaskType]) -> Finding:
    told = f"{info.name or 'the app'} is of kind {info.mode or 'unknown'}"
    wrong = [user for user in users if info.mode not in MODES.get(user.runner, frozenset({info.mode}))]
    if not wrong:
        suits = f", right for {_names(users)}" if users else "; no task type uses it yet"
        return Finding(check="app", status="ok", detail=told + suits)
    runner = next((name for name, modes in MODES.items() if info.mode in modes), None)
    there = "; ".join(f"{user.name} has the runner {user.runner}" for user in wrong)
    advice = (
        f"Set the runner of {_names(wrong)} to {runner}, or use the connection of another app."
        if runner
        else "No runner asks such apps; use the connection of another app."
    )
    return _failed("app", f"{told}, but {there}", advice)


def _form(form: Sequence[InputField], users: Sequence[TaskType]) -> Finding:
    names = ", ".join(f"{field.variable}{'' if field.required else ' (optional)'}" for field in form)
    told = f"asks for {names}" if form else "asks for nothing"
    odd = [words for user in users for words in _unfit_mapping(form, user)]
    if odd:
        advice = "Mend options.inputs of the task type, or the app's form."
        return Finding(check="form", status="warning", detail=f"{told}; {'; '.join(odd)}", advice=advice)
    return Finding(check="form", status="ok", detail=told)


def _unfit_mapping(form: Sequence[InputField], user: TaskType) -> list[str]:
    """A type that gives the app its inputs by name, and not those that the form has. Other versions: unknown forms."""
    mapping = user.options.get("inputs")
    if user.runner not in MODES or not isinstance(mapping, dict) or user.options.get("workflow_id"):
        return []
    missing = [field.variable for field in form if field.required and field.variable not in mapping]
    unknown = sorted(set(mapping) - {field.variable for field in form})
    words = [f"{user.name} never gives {', '.join(missing)}"] if missing else []
    return words + ([f"{user.name} gives {', '.join(unknown)}, which the app drops"] if unknown else [])


def _names(users: Sequence[TaskType]) -> str:
    return ", ".join(user.name for user in users)
