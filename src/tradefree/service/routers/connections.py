"""/connections: endpoints with their secrets, which go in and never come out."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput, NotFound
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.models.definitions import ConnectionDocument, ConnectionList, ConnectionRequest
from tradefree.service.problems import in_body
from tradefree.service.trail import change, entry
from tradefree.tasks.endpoints import Report, endpoints_of, with_schema
from tradefree.tasks.types import Connection, TaskType

router = APIRouter(prefix="/connections", tags=["definitions"], route_class=StrictRoute)


@router.get("", operation_id="list_connections", summary="List the connections")
async def list_connections(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
) -> ConnectionList:
    """Every connection, by name, without its secret."""
    connections = await system_of(request).store.connections()
    return ConnectionList(items=[ConnectionDocument.of(connections[name]) for name in sorted(connections)])


@router.get("/{name}", operation_id="get_connection", summary="Look at a connection")
async def get_connection(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
    name: str,
) -> ConnectionDocument:
    """One connection, without its secret."""
    connections = await system_of(request).store.connections()
    if name not in connections:
        raise NotFound(f"no connection {name[:80]!r}")
    return ConnectionDocument.of(connections[name])


@router.put(
    "/{name}",
    operation_id="put_connection",
    summary="Define a connection",
    response_model=ConnectionDocument,
    response_description="It was there and is replaced.",
    responses={201: {"model": ConnectionDocument, "description": "It is new."}},
)
async def put_connection(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: ConnectionRequest,
) -> ConnectionDocument:
    """Creates or replaces a connection. The secret is encrypted and never shown again.

    Without `api_key` the stored one is kept; a changed `base_url` demands it again, or a stored key could be sent
    anywhere.
    """
    system = system_of(request)
    before = (await system.store.connections()).get(name)
    connection = _connection(name, body, before)
    detail = change(before, connection)
    detail["secret"] = "kept" if before is not None and before.api_key == connection.api_key else "set"
    await system.store.put_connection(connection, entry(system, caller, "connection.put", f"connection:{name}", detail))
    system.catalog.forget()
    response.status_code = 201 if before is None else 200
    return ConnectionDocument.of(connection)


@router.delete(
    "/{name}",
    operation_id="delete_connection",
    summary="Delete a connection",
    status_code=204,
    responses={409: {"description": "A task type uses it."}},
)
async def delete_connection(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
) -> None:
    """Deletes a connection that no task type uses."""
    system = system_of(request)
    await system.store.delete_connection(name, entry(system, caller, "connection.delete", f"connection:{name}"))
    system.catalog.forget()


@router.post("/{name}/check", operation_id="check_connection", summary="Check a connection")
async def check_connection(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
) -> Report:
    """Asks the endpoint, with the stored key, what it is, and compares that with the task types that use it.

    Starts nothing. What is wrong is said in `checks`; the answer is 200 all the same. Task types with `from-app` get
    the app's present schema.
    """
    system = system_of(request)
    connection = (await system.store.connections()).get(name)
    if connection is None:
        raise NotFound(f"no connection {name[:80]!r}")
    _version, types = await system.store.task_types()
    users = [types[type_name] for type_name in sorted(types) if types[type_name].connection == name]
    report = await endpoints_of(system.endpoints, connection).examine(connection, users)
    if report.ok:
        await _refresh_schemas(system, caller, connection, users)
    return report


async def _refresh_schemas(system: System, caller: Caller, connection: Connection, users: Sequence[TaskType]) -> None:
    """Store what the app asks for now, where it is another thing than before."""
    for task_type in users:
        with contextlib.suppress(InvalidInput):  # the app was changed since it was looked at
            fresh = await with_schema(system.endpoints, {connection.name: connection}, task_type)
            if fresh != task_type:
                target = f"type:{fresh.name}"
                written = entry(system, caller, "type.refresh", target, change(task_type, fresh))
                await system.store.put_task_type(fresh, written)
                system.catalog.forget()


def _connection(name: str, body: ConnectionRequest, before: Connection | None) -> Connection:
    if body.name not in (None, name):
        raise InvalidInput(f"should be {name[:80]!r}, as in the path", field="name", code="other_name")
    api_key = body.api_key
    if api_key is None:
        if before is None:
            raise InvalidInput("is required", field="api_key", code="missing")
        if before.base_url != body.base_url:
            raise InvalidInput(
                "is required again, because base_url is another one", field="api_key", code="required_again"
            )
        api_key = before.api_key
    values = {**body.model_dump(exclude={"name"}), "name": name, "api_key": api_key}
    try:
        return Connection.model_validate(values)
    except ValidationError as error:
        raise in_body(error) from None
