"""/task-types: the recipes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import SkipValidation, ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput, NotFound
from tradefree.limits.scopes import Scope as LimitScope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.models.definitions import TaskTypeList
from tradefree.service.problems import in_body
from tradefree.service.trail import change, entry
from tradefree.tasks.endpoints import with_schema
from tradefree.tasks.types import TaskType

router = APIRouter(prefix="/task-types", tags=["definitions"], route_class=StrictRoute)

Definition = Annotated[
    SkipValidation[TaskType],
    Body(
        description="The definition. `name` may be left out: it is the one in the path.",
        openapi_examples={
            "dify": {
                "summary": "A Dify workflow",
                "value": {
                    "runner": "dify.workflow",
                    "connection": "support-bot",
                    "timeout": "10m",
                    "retry": {"max_attempts": 4, "initial": "2s", "maximum": "5m"},
                    "concurrency": {"max_running": 20, "max_running_per_key": 2},
                },
            }
        },
    ),
]
"""Checked here, with the name from the path put in."""


@router.get("", operation_id="list_task_types", summary="List the task types")
async def list_task_types(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
) -> TaskTypeList:
    """Every task type that the key is for, by name."""
    _, types = await system_of(request).store.task_types()
    return TaskTypeList(items=[types[name] for name in sorted(types) if caller.may_touch(name)])


@router.get("/{name}", operation_id="get_task_type", summary="Look at a task type")
async def get_task_type(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
    name: str,
) -> TaskType:
    """One task type."""
    _, types = await system_of(request).store.task_types()
    if name not in types or not caller.may_touch(name):
        raise NotFound(f"no task type {name[:80]!r}")
    return types[name]


@router.put(
    "/{name}",
    operation_id="put_task_type",
    summary="Define a task type",
    response_model=TaskType,
    response_description="It was there and is replaced.",
    responses={201: {"model": TaskType, "description": "It is new."}},
)
async def put_task_type(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: Definition,
) -> TaskType:
    """Creates or replaces a task type. It holds for tasks admitted from now on, also those that wait already."""
    caller.require_type(name)
    system = system_of(request)
    task_type = _checked(name, body)
    task_type = await _fitting(system, task_type)
    _, before = await system.store.task_types()
    written = entry(system, caller, "type.put", f"type:{name}", change(before.get(name), task_type))
    await system.store.put_task_type(task_type, written)
    system.catalog.forget()
    response.status_code = 200 if name in before else 201
    return task_type


@router.delete(
    "/{name}",
    operation_id="delete_task_type",
    summary="Delete a task type",
    status_code=204,
    responses={409: {"description": "Live tasks of this type exist."}},
)
async def delete_task_type(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
) -> None:
    """Deletes a task type that no live task needs. Ended tasks of the type stay."""
    caller.require_type(name)
    system = system_of(request)
    await system.store.delete_task_type(name, entry(system, caller, "type.delete", f"type:{name}"))
    system.catalog.forget()


def _checked(name: str, body: Any) -> TaskType:
    if not isinstance(body, dict):
        raise InvalidInput("should be an object", code="dict_type")
    if body.get("name", name) != name:
        raise InvalidInput(f"should be {name[:80]!r}, as in the path", field="name", code="other_name")
    try:
        return TaskType.model_validate({**body, "name": name})
    except ValidationError as error:
        raise in_body(error) from None


async def _fitting(system: System, task_type: TaskType) -> TaskType:
    """The type with its app's schema, if it asks for that one.

    Raises InvalidInput unless the runner is there, the connection, too, and both fit the type.
    """
    connections = await system.store.connections()
    runner = system.runners.get(task_type.runner)
    if runner is None:
        known = ", ".join(sorted(system.runners))
        raise InvalidInput(
            f"unknown runner {task_type.runner[:80]!r}; known: {known}",
            field="runner",
            code="unknown",
            facts={"known": known},
        )
    if task_type.connection is not None and task_type.connection not in connections:
        known = ", ".join(sorted(connections)) or "none is defined yet"
        raise InvalidInput(
            f"unknown connection {task_type.connection!r}; known: {known}",
            field="connection",
            code="unknown",
            facts={"known": known},
        )
    baselines = (await system.store.limits()).baselines
    if missing := [name for name in task_type.limits if LimitScope("limit", name) not in baselines]:
        known = ", ".join(sorted(scope.name for scope in baselines if scope.kind == "limit")) or "none is defined yet"
        raise InvalidInput(
            f"unknown limit {missing[0]!r}; known: {known}", field="limits", code="unknown", facts={"known": known}
        )
    runner.check(task_type)
    return await with_schema(system.endpoints, connections, task_type)
