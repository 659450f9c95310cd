"""/api-keys: who may do what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from tradefree.access.scopes import Scope
from tradefree.errors import NotFound
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.cursor import is_id
from tradefree.service.models.api_keys import KeyDocument, KeyList, KeyRequest, NewKey

router = APIRouter(prefix="/api-keys", tags=["access"], route_class=StrictRoute)


@router.get("", operation_id="list_api_keys", summary="List the API keys")
async def list_api_keys(
    request: Request,
    _: Annotated[Caller, needs(Scope.ADMIN)],
) -> KeyList:
    """All keys, revoked ones too, oldest first. Secrets are not stored, so they are not here."""
    keys = await system_of(request).keys.list()
    return KeyList(items=[KeyDocument.of(key) for key in keys])


@router.post(
    "",
    operation_id="create_api_key",
    summary="Make an API key",
    status_code=201,
    response_description="The only answer that ever shows the secret.",
)
async def create_api_key(
    request: Request,
    caller: Annotated[Caller, needs(Scope.ADMIN)],
    body: KeyRequest,
) -> NewKey:
    """Makes a key. Only a hash of it is stored: keep the answer."""
    key, secret = await system_of(request).keys.create(
        body.name,
        frozenset(body.scopes),
        task_types=None if body.task_types is None else tuple(body.task_types),
        own_only=body.own_only,
        expires_in=body.expires_in,
        by=caller.name,
    )
    return NewKey(**KeyDocument.of(key).model_dump(), key=secret)


@router.delete("/{key_id}", operation_id="revoke_api_key", summary="Revoke an API key", status_code=204)
async def revoke_api_key(
    request: Request,
    caller: Annotated[Caller, needs(Scope.ADMIN)],
    key_id: str,
) -> None:
    """Revokes a key: at once here, within five seconds in other services."""
    if not is_id(key_id):
        raise NotFound(f"no API key {key_id[:80]!r}")
    await system_of(request).keys.revoke(key_id, by=caller.name)
