"""Who is calling, and what they may see. Every route declares its scope with ``needs``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.errors import Forbidden, NotFound, Unauthorized
from tradefree.service.context import System, system_of
from tradefree.service.cursor import is_id
from tradefree.service.tokens import StreamTokens
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of an API key, or of a stream token (no id then, and only that stream)."""

    id: str | None
    name: str
    payloads: bool
    """May see input and output data."""
    task_types: tuple[str, ...] | None = None
    own_only: bool = False

    @classmethod
    def of(cls, key: ApiKey) -> Caller:
        return cls(key.id, key.name, key.allows(Scope.PAYLOADS_READ), key.task_types, key.own_only)

    def may_touch(self, task_type: str) -> bool:
        return self.task_types is None or task_type in self.task_types

    def require_type(self, task_type: str) -> None:
        """Raise Forbidden if this key is not for tasks of the type."""
        if not self.may_touch(task_type):
            raise Forbidden(f"this key is not for tasks of type {task_type[:80]!r}")

    def sees(self, task: Task) -> bool:
        return self.may_touch(task.type) and (not self.own_only or task.submitted_by == self.id)

    def only(self, **wanted: Any) -> TaskFilter:
        """A filter narrowed to what this caller may see."""
        return TaskFilter(only_types=self.task_types, submitted_by=(self.id or "") if self.own_only else None, **wanted)


class Needs:
    """The one dependency that guards routes: a good key with a scope.

    ``StrictRoute`` calls ``admit`` before it reads the body; the endpoint gets the caller from ``__call__``.
    """

    def __init__(self, scope: Scope, *, or_stream_token: bool = False) -> None:
        self.scope = scope
        self.or_stream_token = or_stream_token

    async def admit(self, request: Request) -> None:
        """Raise Unauthorized or Forbidden, or remember the caller."""
        system = system_of(request)
        secret = _presented(request)
        if secret is None and self.or_stream_token and "token" in request.query_params:
            request.state.caller = _token_bearer(request, system)
            return
        if secret is None:
            raise Unauthorized("send an API key: Authorization: Bearer <key>, or X-API-Key")
        key = await system.keys.authenticate(secret)
        key.require(self.scope)
        request.state.caller = Caller.of(key)

    async def __call__(self, request: Request) -> Caller:  # async, or it would run in a thread
        caller: Caller = request.state.caller
        return caller


def needs(scope: Scope, *, or_stream_token: bool = False) -> Any:
    """Dependency: the caller, who has this scope."""
    return Depends(Needs(scope, or_stream_token=or_stream_token))


def guard_of(dependencies: Iterable[Any]) -> Needs | None:
    """The guard among a route's solved dependencies."""
    return next((d.call for d in dependencies if isinstance(d.call, Needs)), None)


def _presented(request: Request) -> str | None:
    authorization = request.headers.get("authorization")
    if authorization is None:
        return request.headers.get("x-api-key")
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorized("the Authorization header must be: Bearer <key>")
    return secret.strip()


def _token_bearer(request: Request, system: System) -> Caller:
    payloads = StreamTokens(system.stream_secret).check(
        request.query_params["token"], request.path_params["task_id"], system.clock.now()
    )
    return Caller(None, "stream token", payloads)


async def visible_task(system: System, caller: Caller, task_id: str, *, payloads: bool = False) -> Task:
    """The task, if there is one that this caller may see; NotFound does not tell the two apart."""
    task = await system.store.task(task_id, payloads=payloads and caller.payloads) if is_id(task_id) else None
    if task is None or not caller.sees(task):
        raise NotFound(f"no task {task_id[:80]!r}")
    return task
