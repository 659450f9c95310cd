"""The units of callbacks."""

from __future__ import annotations

import contextlib

from faults.sweep.system import System
from faults.sweep.unit import Unit
from faults.sweep.world import report
from tradefree.errors import NotFound
from tradefree.tasks.callbacks.delivery import telling
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import Outcomes, Pause, Subscriber, Subscription
from tradefree.tasks.outcome import Completed
from tradefree.tasks.ports import Entry
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules, finish

SHOP = Subscription(name="shop", url="https://shop.example.com/")
FIRST, SECOND = Secrets(current="whsec_first"), Secrets(current="whsec_second", old="whsec_first")


def an_entry(system: System, action: str) -> Entry:
    return Entry(f"entry of {action}", system.clock.now(), "ann", f"subscription.{action}", "subscription:shop")


async def tell(system: System, *, believing: bool = False) -> list[str]:
    """Two tasks end, and two are told of each."""
    now = system.clock.now()
    shops = [Subscriber(SHOP, FIRST), Subscriber(Subscription(name="other", url=SHOP.url), FIRST)]

    def decide(task: Task) -> Change | None:
        return telling(finish(task, report(task.id, Completed({"n": 1})), Rules(), now, 0.5), shops)

    tasks = [await system.store.task(id_, payloads=False) for id_ in ("r-1", "r-2")]
    believed = [task for task in tasks if task is not None and task.worker_id] if believing else []
    return [change.before.id for change in await system.store.decide(["r-1", "r-2"], decide, believed=believed)]


async def subscribe(system: System) -> bool:
    return await system.store.put_subscription(SHOP, FIRST, an_entry(system, "put"))


async def pause(system: System) -> bool:
    paused = Pause(by="ann", at=system.clock.now(), reason="slow")
    return await system.store.pause_subscription("shop", paused, an_entry(system, "pause"))


async def subscribed_and_paused(system: System) -> None:
    await subscribe(system)
    await pause(system)


async def delete(system: System) -> None:
    with contextlib.suppress(NotFound):  # a repeat is told that it is not there
        await system.store.delete_subscription("shop", an_entry(system, "delete"))


async def note(system: System) -> None:
    await system.store.note_deliveries({"shop": Outcomes(2, succeeded=False, at=system.clock.now(), error="No.")})


async def keep(system: System) -> Secrets:
    return await system.store.keep_callback_secrets(FIRST, an_entry(system, "create"), replacing=None)


async def rotate(system: System) -> Secrets:
    return await system.store.keep_callback_secrets(SECOND, an_entry(system, "rotate"), replacing=FIRST)


TELLING = [
    Unit("told", tell, same_answer=False),
    Unit("believed and told", lambda system: tell(system, believing=True), same_answer=False),
    Unit("subscribe", subscribe, same_answer=False),
    Unit("pause a subscription", pause, subscribe, same_answer=False),
    Unit(
        "resume a subscription",
        lambda system: system.store.pause_subscription("shop", None, an_entry(system, "resume")),
        subscribed_and_paused,
        same_answer=False,
    ),
    Unit("delete a subscription", delete, subscribe),
    Unit("note deliveries", note, subscribe, but=("subscriptions.failures",)),
    Unit("make the secrets of callbacks", keep),
    Unit("rotate the secrets of callbacks", rotate, keep),
]
"""How deliveries went are figures for people: after an answer that was lost, failures may be counted again."""
