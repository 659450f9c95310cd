"""/subscriptions: who is told about which tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.models.callbacks import (
    DeliveryDocument,
    PauseRequest,
    PutSubscription,
    RotateRequest,
    SecretDocument,
    SubscriptionDocument,
    SubscriptionList,
    SubscriptionRequest,
    subscription_of,
)
from tradefree.service.problems import in_body

router = APIRouter(prefix="/subscriptions", tags=["callbacks"], route_class=StrictRoute)


@router.get("", operation_id="list_subscriptions", summary="List the subscriptions")
async def list_subscriptions(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)]
) -> SubscriptionList:
    """Every subscription, by name, without its secret, and how deliveries to it go."""
    caller.require_everything()
    found = await system_of(request).subscriptions.all()
    return SubscriptionList(items=[SubscriptionDocument.of(subscriber, health) for subscriber, health in found])


@router.get("/{name}", operation_id="get_subscription", summary="Look at a subscription")
async def get_subscription(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)], name: str
) -> SubscriptionDocument:
    """One subscription, without its secret, and how deliveries to it go."""
    caller.require_everything()
    return await _shown(system_of(request), name)


@router.put(
    "/{name}",
    operation_id="put_subscription",
    summary="Define a subscription",
    response_model=PutSubscription,
    response_description="It was there and is replaced.",
    responses={201: {"model": PutSubscription, "description": "It is new."}},
)
async def put_subscription(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: SubscriptionRequest,
) -> PutSubscription:
    """Creates or replaces a subscription; it is told of what happens from about two seconds later on.

    The answer that creates one without a `secret` shows the secret that was made. It is never shown again.
    """
    caller.require_everything()
    system = system_of(request)
    if body.name not in (None, name):
        raise InvalidInput(f"should be {name[:80]!r}, as in the path", field="name", code="other_name")
    try:
        subscription = subscription_of(name, body)
    except ValidationError as error:
        raise in_body(error) from None
    known = name in await system.store.subscribers()
    secret = await system.subscriptions.put(subscription, body.secret, by=caller.name)
    response.status_code = 200 if known else 201
    return PutSubscription(**(await _shown(system, name)).model_dump(), secret=secret)


@router.delete("/{name}", operation_id="delete_subscription", summary="Delete a subscription", status_code=204)
async def delete_subscription(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)], name: str
) -> None:
    """Deletes a subscription. Deliveries to it that still wait fail."""
    caller.require_everything()
    await system_of(request).subscriptions.delete(name, by=caller.name)


@router.put("/{name}/pause", operation_id="pause_subscription", summary="Pause a subscription")
async def pause_subscription(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)], name: str, body: PauseRequest
) -> SubscriptionDocument:
    """Nothing more is sent. What is to be told waits, for 30 days at most."""
    caller.require_everything()
    system = system_of(request)
    await system.subscriptions.pause(name, body.reason, by=caller.name)
    return await _shown(system, name)


@router.delete("/{name}/pause", operation_id="resume_subscription", summary="Resume a subscription")
async def resume_subscription(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)], name: str
) -> SubscriptionDocument:
    """Sends again, at once, all that has waited, also what would have waited for its next attempt."""
    caller.require_everything()
    system = system_of(request)
    await system.subscriptions.resume(name, by=caller.name)
    return await _shown(system, name)


@router.post("/{name}/secrets", operation_id="rotate_subscription_secret", summary="Rotate the secret")
async def rotate_subscription_secret(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: RotateRequest | None = None,
) -> SecretDocument:
    """Makes a new secret and shows it, once. Until `keep` is over there are two signatures, one with each secret."""
    caller.require_everything()
    keep = timedelta(seconds=(body or RotateRequest()).keep)
    return SecretDocument.of(await system_of(request).subscriptions.rotate(name, by=caller.name, keep=keep))


@router.post(
    "/{name}/tests",
    operation_id="test_subscription",
    summary="Send a test",
    status_code=202,
    response_description="It is on its way; look at it as at a task.",
    responses={409: {"description": "It is paused."}},
)
async def test_subscription(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)], name: str
) -> DeliveryDocument:
    """Sends an event of the type `ai.tradefree.subscription.test`, signed like all others."""
    caller.require_everything()
    task = await system_of(request).subscriptions.test(name, by=caller.name, submitted_by=caller.id)
    return DeliveryDocument.of(task)


async def _shown(system: System, name: str) -> SubscriptionDocument:
    return SubscriptionDocument.of(*await system.subscriptions.one(name))
