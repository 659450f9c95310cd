"""/hooks below /api/v1: doors for foreign webhooks, as operators define them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput, NotFound
from tradefree.events.hooks.hook import Hook
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.models.hooks import HookDocument, HookList, HookRequest
from tradefree.service.problems import in_body
from tradefree.service.trail import change, entry

router = APIRouter(prefix="/hooks", tags=["definitions"], route_class=StrictRoute)


@router.get("", operation_id="list_hooks", summary="List the hooks")
async def list_hooks(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
) -> HookList:
    """Every hook, by name, without its secrets, with what became of the messages that came."""
    store = system_of(request).store
    hooks, counts = await store.hooks(), await store.message_counts()
    return HookList(items=[HookDocument.of(hooks[name], counts.get(name, {})) for name in sorted(hooks)])


@router.get("/{name}", operation_id="get_hook", summary="Look at a hook")
async def get_hook(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
    name: str,
) -> HookDocument:
    """One hook, without its secrets."""
    store = system_of(request).store
    hook = (await store.hooks()).get(name)
    if hook is None:
        raise NotFound(f"no hook {name[:80]!r}")
    return HookDocument.of(hook, (await store.message_counts()).get(name, {}))


@router.put(
    "/{name}",
    operation_id="put_hook",
    summary="Define a hook",
    response_model=HookDocument,
    response_description="It was there and is replaced.",
    responses={201: {"model": HookDocument, "description": "It is new."}},
)
async def put_hook(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: HookRequest,
) -> HookDocument:
    """Creates or replaces a hook. The secrets are encrypted and never shown again.

    Without `secrets` the stored ones are kept, unless the preset is another one.
    """
    system = system_of(request)
    before = (await system.store.hooks()).get(name)
    hook = _hook(name, body, before)
    detail = change(before, hook)
    detail["secret"] = "kept" if before is not None and before.secrets == hook.secrets else "set"
    await system.store.put_hook(hook, entry(system, caller, "hook.put", f"hook:{name}", detail))
    system.hooks.forget()
    response.status_code = 201 if before is None else 200
    return HookDocument.of(hook, (await system.store.message_counts()).get(name, {}))


@router.delete("/{name}", operation_id="delete_hook", summary="Delete a hook", status_code=204)
async def delete_hook(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
) -> None:
    """Deletes a hook. Messages to it are answered 404 from then on; the events that came by it stay."""
    system = system_of(request)
    await system.store.delete_hook(name, entry(system, caller, "hook.delete", f"hook:{name}"))
    system.hooks.forget()


def _hook(name: str, body: HookRequest, before: Hook | None) -> Hook:
    if body.name not in (None, name):
        raise InvalidInput(f"should be {name[:80]!r}, as in the path", field="name", code="other_name")
    secrets = body.secrets
    if secrets is None:
        if before is None:
            raise InvalidInput("is required", field="secrets", code="missing")
        if before.preset != body.preset:
            raise InvalidInput(
                "is required again, because the preset is another one", field="secrets", code="required_again"
            )
        secrets = list(before.secrets)
    values = {**body.model_dump(exclude={"name"}), "name": name, "secrets": secrets}
    try:
        return Hook.model_validate(values)
    except ValidationError as error:
        raise in_body(error) from None
