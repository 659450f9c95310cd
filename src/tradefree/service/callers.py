"""Who is calling, and what they may see. Every route declares its scope with ``needs``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import Depends, Request

from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.access.sessions import Session
from tradefree.errors import Forbidden, NotFound, Unauthorized
from tradefree.service.context import System, system_of
from tradefree.service.cookies import require_ours, token_in
from tradefree.service.cursor import is_id
from tradefree.service.tokens import StreamTokens
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of an API key or of its session, or of a stream token (no id then, and only that stream)."""

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

    def require_everything(self) -> None:
        """Raise Forbidden for a key that may not see all tasks: what concerns all of them is not for it."""
        if self.task_types is not None or self.own_only:
            raise Forbidden("this key is for some tasks only; subscriptions concern all of them")

    def sees(self, task: Task) -> bool:
        return self.may_touch(task.type) and (not self.own_only or task.submitted_by == self.id)

    def only(self, **wanted: Any) -> TaskFilter:
        """A filter narrowed to what this caller may see."""
        return TaskFilter(only_types=self.task_types, submitted_by=(self.id or "") if self.own_only else None, **wanted)


class Guard(Protocol):
    """A dependency that guards routes. ``StrictRoute`` calls ``admit`` before it reads the body."""

    security: list[dict[str, list[str]]]
    """How a request can satisfy it, for the OpenAPI document."""
    words: str

    async def admit(self, request: Request) -> None:
        """Raise Unauthorized or Forbidden, or remember who asks."""
        ...


class Needs(Guard):
    """The usual guard: a good key with a scope, or a session of such a key. The endpoint gets the caller."""

    security = [{"bearer": []}, {"api_key": []}, {"session": []}]  # noqa: RUF012

    def __init__(self, scope: Scope, *, or_stream_token: bool = False) -> None:
        self.scope = scope
        self.words = f"Needs the scope `{scope.value}`."
        self.or_stream_token = or_stream_token

    async def admit(self, request: Request) -> None:
        system = system_of(request)
        secret = _presented(request)
        if secret is None and self.or_stream_token and "token" in request.query_params:
            request.state.caller = _token_bearer(request, system)
            return
        key = (await _session_of(request)).key if secret is None else await system.keys.authenticate(secret)
        if (quota := system.keys.spend(key)) is not None:
            request.state.rate_headers = quota.headers()
            quota.require()
        key.require(self.scope)
        request.state.caller = Caller.of(key)

    async def __call__(self, request: Request) -> Caller:  # async, or it would run in a thread
        caller: Caller = request.state.caller
        return caller


def needs(scope: Scope, *, or_stream_token: bool = False) -> Any:
    """Dependency: the caller, who has this scope."""
    return Depends(Needs(scope, or_stream_token=or_stream_token))


class SignedIn(Guard):
    """The guard of what concerns a session itself: a cookie, whatever its key's scopes."""

    security = [{"session": []}]  # noqa: RUF012
    words = "Needs the cookie of a session."

    async def admit(self, request: Request) -> None:
        request.state.session = await _session_of(request)

    async def __call__(self, request: Request) -> Session:
        session: Session = request.state.session
        return session

    @staticmethod
    def token_of(request: Request) -> str:
        """The token that the request was admitted with."""
        return token_in(request, system_of(request).settings) or ""


def signed_in() -> Any:
    """Dependency: the session of the cookie."""
    return Depends(SignedIn())


def guard_of(dependencies: Iterable[Any]) -> Guard | None:
    """The guard among a route's solved dependencies."""
    return next((d.call for d in dependencies if isinstance(d.call, Needs | SignedIn)), None)


def still_good(request: Request) -> Callable[[], Awaitable[object]]:
    """Asks whether the key or the session that the request was admitted with is good even now. Raises Unauthorized."""
    system = system_of(request)
    if (secret := _presented(request)) is not None:
        return lambda: system.keys.authenticate(secret)
    return lambda: system.sessions.authenticate(SignedIn.token_of(request))


async def _session_of(request: Request) -> Session:
    """The session of the request's cookie. Raises Unauthorized without one, Forbidden for a request of another site."""
    system = system_of(request)
    token = token_in(request, system.settings)
    if token is None:
        raise Unauthorized("send an API key: Authorization: Bearer <key>, or X-API-Key; or sign in")
    session = await system.sessions.authenticate(token)
    require_ours(request, token, system.settings)
    return session


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
