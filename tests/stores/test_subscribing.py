"""Subscriptions, deliveries and the installation's own secrets, on every store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.errors import NotFound
from tradefree.ids import new_id
from tradefree.tasks.callbacks.delivery import CALLBACK, telling
from tradefree.tasks.callbacks.secrets import Secrets, new_secret
from tradefree.tasks.callbacks.subscription import Health, Outcomes, Pause, Subscriber, Subscription
from tradefree.tasks.outcome import Completed, Report
from tradefree.tasks.ports import Entry, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules, cancel, finish

URL = "https://hooks.example.com/x"


def a_subscription(name: str = "shop", **rules: Any) -> Subscription:
    return Subscription(name=name, url=URL, **rules)


def some_secrets() -> Secrets:
    return Secrets(current=new_secret())


def an_entry(acts: Acts, action: str = "put", target: str = "subscription:shop") -> Entry:
    return Entry(new_id(), acts.clock.now(), "ann", f"subscription.{action}", target, {"why": "测试"})


async def subscribed(acts: Acts, store: AnyStore, name: str = "shop", **rules: Any) -> Subscriber:
    subscriber = Subscriber(a_subscription(name, **rules), some_secrets())
    assert await store.put_subscription(subscriber.subscription, subscriber.secrets, an_entry(acts))
    return subscriber


async def test_everything_about_a_subscription_comes_back(acts: Acts, store: AnyStore) -> None:
    version = await store.config_version()
    subscription = a_subscription(
        description="订单", task_types=("a", "b*"), statuses=("completed",), labels={"shop": "深圳"}
    )
    secrets = Secrets(current=new_secret(), old=new_secret(), old_until=acts.clock.now())
    entry = an_entry(acts)
    assert await store.put_subscription(subscription, secrets, entry)
    assert await store.subscribers() == {"shop": Subscriber(subscription, secrets)}
    assert await store.healths() == {"shop": Health()}
    assert await store.audit(limit=10) == [entry]
    assert await store.config_version() > version


async def test_what_is_the_same_is_no_change(acts: Acts, store: AnyStore) -> None:
    shop = await subscribed(acts, store)
    version = await store.config_version()
    assert not await store.put_subscription(shop.subscription, shop.secrets, an_entry(acts))
    assert await store.config_version() == version
    assert len(await store.audit(limit=10)) == 1
    assert await store.put_subscription(shop.subscription, some_secrets(), an_entry(acts))
    assert await store.put_subscription(a_subscription(labels={"a": "b"}), shop.secrets, an_entry(acts))


async def test_a_pause_and_a_history_stay_when_it_is_replaced(acts: Acts, store: AnyStore) -> None:
    shop = await subscribed(acts, store)
    pause = Pause(by="ann", at=acts.clock.now(), reason="it moves")
    await store.note_deliveries({"shop": Outcomes(3, succeeded=False, at=acts.clock.now(), error="No.")})
    await store.pause_subscription("shop", pause, an_entry(acts))
    changed = a_subscription(description="new")
    assert await store.put_subscription(changed, shop.secrets, an_entry(acts))
    assert await store.subscribers() == {"shop": Subscriber(changed, shop.secrets, pause)}
    assert (await store.healths())["shop"].failures == 3


async def test_pause_and_resume(acts: Acts, store: AnyStore) -> None:
    shop = await subscribed(acts, store)
    now = acts.clock.now()
    await store.note_deliveries({"shop": Outcomes(3, succeeded=False, at=now, error="No.")})
    version = await store.config_version()
    assert not await store.pause_subscription("shop", None, an_entry(acts, "resume"))
    assert not await store.pause_subscription("other", Pause(by="ann", at=now), an_entry(acts, "pause"))
    assert await store.config_version() == version
    pause = Pause(by="system", at=now, reason="it failed")
    assert await store.pause_subscription("shop", pause, an_entry(acts, "pause"))
    assert not await store.pause_subscription("shop", Pause(by="bob", at=now), an_entry(acts, "pause"))
    assert (await store.subscribers())["shop"].paused == pause
    assert await store.config_version() > version
    assert await store.pause_subscription("shop", None, an_entry(acts, "resume"))
    assert await store.subscribers() == {"shop": shop}
    assert await store.healths() == {"shop": Health(last_failure_at=now, last_error="No.")}


async def test_delete(acts: Acts, store: AnyStore) -> None:
    await subscribed(acts, store)
    await store.note_deliveries({"shop": Outcomes(1, succeeded=False, at=acts.clock.now(), error="No.")})
    await store.delete_subscription("shop", an_entry(acts, "delete"))
    assert await store.subscribers() == {}
    assert await store.healths() == {}
    for name in ("shop", "nobody", "shop ", "é"):
        with pytest.raises(NotFound, match="no subscription"):
            await store.delete_subscription(name, an_entry(acts, "delete"))
    await subscribed(acts, store)
    assert await store.healths() == {"shop": Health()}, "a new one has no history"


async def test_how_deliveries_went(acts: Acts, store: AnyStore) -> None:
    await subscribed(acts, store)
    await subscribed(acts, store, "other")
    start = acts.clock.now()
    found = await store.note_deliveries({"shop": Outcomes(2, succeeded=False, at=start, error="x" * 600)})
    assert found == {"shop": Health(2, start, None, start, "x" * 500)}
    acts.clock.advance(60)
    later = acts.clock.now()
    found = await store.note_deliveries({"shop": Outcomes(3, succeeded=False, at=later, error="No.")})
    assert found == {"shop": Health(5, start, None, later, "No.")}
    found = await store.note_deliveries({"shop": Outcomes(1, succeeded=True, at=later, error="Once more.")})
    assert found == {"shop": Health(1, later, later, later, "Once more.")}
    found = await store.note_deliveries({"shop": Outcomes(0, succeeded=True, at=later)})
    assert found == {"shop": Health(0, None, later, later, "Once more.")}
    assert await store.healths() == {"other": Health(), **found}


async def test_notes_about_what_is_not_there_are_dropped(acts: Acts, store: AnyStore) -> None:
    assert await store.note_deliveries({"gone": Outcomes(1, succeeded=False, at=acts.clock.now(), error="No.")}) == {}


async def test_the_installations_own_secrets(acts: Acts, store: AnyStore) -> None:
    assert await store.callback_secrets() is None
    first, other = some_secrets(), some_secrets()
    assert await store.keep_callback_secrets(first, an_entry(acts), replacing=None) == first
    assert await store.keep_callback_secrets(other, an_entry(acts), replacing=None) == first
    assert await store.keep_callback_secrets(other, an_entry(acts), replacing=some_secrets()) == first
    assert await store.callback_secrets() == first
    assert await store.keep_callback_secrets(other, an_entry(acts), replacing=first) == other
    assert await store.callback_secrets() == other
    assert len(await store.audit(limit=10)) == 2


async def test_of_many_who_make_the_first_secrets_one_is_first(acts: Acts, store: AnyStore) -> None:
    made = await asyncio.gather(
        *(store.keep_callback_secrets(some_secrets(), an_entry(acts), replacing=None) for _ in range(8))
    )
    assert len({secrets.current for secrets in made}) == 1
    assert await store.callback_secrets() == made[0]


async def test_of_many_who_make_a_subscription_all_succeed(acts: Acts, store: AnyStore) -> None:
    await asyncio.gather(*(store.put_subscription(a_subscription(), some_secrets(), an_entry(acts)) for _ in range(8)))
    assert list(await store.subscribers()) == ["shop"]


# ── deliveries ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def ended(acts: Acts, store: AnyStore, task: Task, subscribers: list[Subscriber]) -> list[Change]:
    """The task completes, and whoever subscribes is told."""
    assert task.worker_id is not None
    report = Report(task.id, task.attempt_count, task.worker_id, Completed({"a": 1}))
    now = acts.clock.now()
    return await store.decide(
        [task.id],
        lambda t: telling(finish(t, report, Rules(), now, 0.5), subscribers),
        believed=[task],
    )


async def test_deliveries_are_stored_with_the_move(acts: Acts, store: AnyStore) -> None:
    shop = await subscribed(acts, store)
    task = await acts.running(callback_url=URL, submitted_by=new_id())
    (change,) = await ended(acts, store, task, [shop])
    found = await store.deliveries_of(task.id, 10)
    assert [(d.id, d.labels, d.lane) for d in found] == [(d.id, d.labels, d.lane) for d in change.deliveries]
    assert len(found) == 2
    assert [await acts.see(d) for d in found] == list(change.deliveries)
    for delivery in found:
        assert (delivery.status, delivery.submitted_by) == (Status.PENDING, task.submitted_by)
        (line,) = await store.logs(delivery.id, limit=10)
        assert line.event == "task.accepted"
    assert set(await store.waiting_lanes()) == {d.lane for d in found}


async def test_a_move_that_is_not_made_tells_nobody(acts: Acts, store: AnyStore) -> None:
    task = await acts.running(callback_url=URL)
    await ended(acts, store, task, [])
    assert await ended(acts, store, task, []) == []
    now = acts.clock.now()
    assert await store.decide([task.id], lambda t: telling(cancel(t, now), [])) == []
    assert len(await store.deliveries_of(task.id, 10)) == 1


async def test_the_newest_deliveries_of_a_task_the_oldest_first(acts: Acts, store: AnyStore) -> None:
    task = await acts.running(callback_url=URL)
    (change,) = await ended(acts, store, task, [await subscribed(acts, store, f"s{n}") for n in range(4)])
    ids = [delivery.id for delivery in change.deliveries]
    assert [d.id for d in await store.deliveries_of(task.id, 3)] == ids[-3:]
    assert await store.deliveries_of(new_id(), 3) == []
    assert await store.deliveries_of("é ", 3) == []


async def test_a_label_of_the_same_words_is_no_delivery(acts: Acts, store: AnyStore) -> None:
    task = await acts.submitted()
    await acts.submitted(labels={"task": task.id})
    assert await store.deliveries_of(task.id, 10) == []


async def test_deliveries_are_found_where_they_are_asked_for_by_name(acts: Acts, store: AnyStore) -> None:
    shop = await subscribed(acts, store)
    task = await acts.running(callback_url=URL, labels={"shop": "de"})
    await ended(acts, store, task, [shop])
    first, second = await store.deliveries_of(task.id, 10)

    async def found(**wanted: Any) -> list[str]:
        return [t.id for t in await store.find(TaskFilter(**wanted), limit=10)]

    assert await found() == [task.id]
    assert await found(statuses=(Status.PENDING,)) == []
    assert await found(labels={"task": task.id}) == []
    assert await found(types=(CALLBACK,)) == [second.id, first.id]
    assert await found(types=(CALLBACK, "echo")) == [second.id, first.id, task.id]
    assert await found(types=(CALLBACK,), labels={"subscription": "shop"}) == [first.id]
    assert await found(types=(CALLBACK,), labels={"task": task.id}, statuses=(Status.PENDING,)) == [
        second.id,
        first.id,
    ]


async def test_a_delivery_outlives_the_wait_at_a_paused_subscription_for_so_long(acts: Acts, store: AnyStore) -> None:
    task = await acts.running(callback_url=URL)
    await ended(acts, store, task, [])
    (delivery,) = await store.deliveries_of(task.id, 10)
    acts.clock.advance(timedelta(days=30).total_seconds() + 1)
    async with acts.round() as round_:
        assert await round_.expired(10) == [delivery.id]
