"""Callbacks: whoever moves a task to an end or lets it ask, those who are to be told get a delivery with the move."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.system import System
from tradefree.errors import Conflict, InvalidInput, NotFound
from tradefree.ids import new_id
from tradefree.tasks.callbacks.delivery import (
    CALLBACK,
    CALLBACK_TYPE,
    KEPT_FOR,
    Delivery,
    lane_of_subscription,
    telling,
)
from tradefree.tasks.callbacks.secrets import Secrets, new_secret
from tradefree.tasks.callbacks.subscription import Health, Subscription
from tradefree.tasks.callbacks.subscriptions import Subscriptions
from tradefree.tasks.callbacks.told import ERROR_CHARACTERS, OUTPUT_BYTES
from tradefree.tasks.change import move
from tradefree.tasks.limiting import Limiting
from tradefree.tasks.mover import Mover
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, Outcome, Report
from tradefree.tasks.ports import DISPATCH, Entry, TaskFilter
from tradefree.tasks.questions import Action, Question
from tradefree.tasks.recover import LEASE, rules_of
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, lane_of
from tradefree.tasks.transitions import Change, finish

URL = "https://hooks.example.com/x?token=secret"


@pytest.fixture
async def here(system: System) -> System:
    await system.define()
    await system.worker()
    return system


async def subscribe(system: System, name: str = "all", **rules: Any) -> None:
    entry = Entry(new_id(), system.clock.now(), "a test", "subscription.put", name)
    subscription = Subscription(name=name, url=f"https://{name}.example.com/", **rules)
    await system.store.put_subscription(subscription, Secrets(current=new_secret()), entry)
    system.catalog.forget()


def subscriptions(system: System) -> Subscriptions:
    return Subscriptions(system.store, system.catalog, system.signals, system.clock)


async def end(system: System, task: Task, outcome: Outcome) -> list[Change]:
    """As the worker's writer does."""
    report = Report(task.id, task.attempt_count, task.worker_id or "", outcome)
    rules = rules_of((await system.catalog.types()).get(task.type), frozenset())
    now = system.clock.now()
    mover = Mover(system.store, system.catalog, system.signals)
    return await mover.move([task.id], lambda t: finish(t, report, rules, now, 0.5))


async def told(system: System) -> list[Delivery]:
    """Everything that is to be told, oldest first."""
    found = await system.store.find(TaskFilter(types=(CALLBACK,)), limit=100, payloads=True)
    return [Delivery.of(task.input_data) for task in reversed(found)]


async def test_a_completed_task_is_told_with_its_result(here: System) -> None:
    task = await here.running(callback_url=URL, labels={"shop": "de"}, concurrency_key="C-7", input_data={"private": 1})
    await end(here, task, Completed({"answer": 42}))
    (delivery,) = await told(here)
    assert (delivery.event, delivery.url, delivery.subscription) == ("ai.tradefree.task.completed", URL, None)
    data = delivery.data
    assert (data["id"], data["type"], data["status"]) == (task.id, "echo", "completed")
    assert data["output_data"] == {"answer": 42}
    assert (data["labels"], data["concurrency_key"], data["attempt_count"]) == ({"shop": "de"}, "C-7", 1)
    assert data["finished_at"].endswith("Z")
    assert "input_data" not in data
    (made,) = await here.store.deliveries_of(task.id, 10)
    assert (made.lane, made.concurrency_key) == (lane_of(CALLBACK, "hooks.example.com"), "hooks.example.com")
    assert made.labels == {"task": task.id, "event": "ai.tradefree.task.completed"}
    assert made.expires_at == here.clock.now() + KEPT_FOR


async def test_the_trace_is_handed_on(here: System) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    task = await here.running(callback_url=URL, traceparent=trace)
    await end(here, task, Completed(1))
    (delivery,) = await told(here)
    (made,) = await here.store.deliveries_of(task.id, 10)
    assert delivery.traceparent == made.traceparent == trace


async def test_a_failure_is_told(here: System) -> None:
    await end(here, await here.running(callback_url=URL), DidNotWork("bad", "x" * 10_000, retryable=False))
    (delivery,) = await told(here)
    assert delivery.event == "ai.tradefree.task.failed"
    assert (delivery.data["error_code"], delivery.data["output_data"]) == ("bad", None)
    assert delivery.data["error_message"] == "x" * ERROR_CHARACTERS


async def test_a_retry_is_not_told(here: System) -> None:
    await end(here, await here.running(callback_url=URL), DidNotWork("bad", "Again.", retryable=True))
    assert await told(here) == []


async def test_a_question_is_told_without_its_secret(here: System) -> None:
    question = Question("Approve?", "of SO-1", actions=(Action("yes", "Yes"),), secret={"token": "s"})
    await end(here, await here.running(callback_url=URL), Asked(question))
    (delivery,) = await told(here)
    assert delivery.event == "ai.tradefree.task.awaiting_input"
    assert delivery.data["question"]["title"] == "Approve?"
    assert "secret" not in delivery.data["question"]
    assert delivery.data["answer_by"] is not None


async def test_a_cancel_is_told_once(here: System) -> None:
    task = await here.submit(callback_url=URL)
    await here.control.cancel(task.id)
    await here.control.cancel(task.id)
    assert [d.event for d in await told(here)] == ["ai.tradefree.task.cancelled"]


async def test_a_cancel_that_is_only_asked_for_is_not_told(here: System) -> None:
    await here.control.cancel((await here.running(callback_url=URL)).id)
    assert await told(here) == []


async def test_a_move_to_the_same_state_is_not_told(here: System) -> None:
    """What is asked of a task that waits for a person is no second question."""
    task = await here.running(callback_url=URL)
    question = Question("Approve?", actions=(Action("yes", "Yes"),))
    await end(here, task, Asked(question))
    asking = await here.see(task)
    again = move(asking, Status.AWAITING_INPUT, here.clock.now(), "info", "Still.", "note")
    assert telling(again, ()) is again


async def test_an_expiry_is_told_by_the_dispatcher(here: System) -> None:
    await here.submit(callback_url=URL, delay=5.0, expires_in=10.0)
    here.clock.advance(11)
    await here.round()
    assert [d.data["error_code"] for d in await told(here)] == ["expired"]


async def test_a_poisonous_task_is_told_by_the_recovery(here: System) -> None:
    task = await here.submit(callback_url=URL)
    for number in range(3):
        await here.worker(f"v{number}")
        await here.place(task, by=f"v{number}")
        await here.claim(task, by=f"v{number}")
        here.clock.advance(LEASE + 1)
        await here.store.bury(f"v{number}")
        await here.recovery.rescue([task.id])
    assert [d.data["error_code"] for d in await told(here)] == ["poison"]


async def test_each_end_of_a_task_that_is_retried_is_told(here: System) -> None:
    task = await here.running(callback_url=URL)
    await end(here, task, Completed(1))
    await here.control.retry(task.id)
    await here.place(task)
    (again,) = await here.claim(task)
    await end(here, again, Completed(2))
    assert [d.data["output_data"] for d in await told(here)] == [1, 2]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({}, True),
        ({"task_types": ["echo"]}, True),
        ({"task_types": ["other", "ec*"]}, True),
        ({"task_types": ["ech"]}, False),
        ({"task_types": ["other*"]}, False),
        ({"statuses": ["completed"]}, True),
        ({"statuses": ["failed", "cancelled"]}, False),
        ({"labels": {"shop": "de"}}, True),
        ({"labels": {"shop": "fr"}}, False),
        ({"labels": {"shop": "de", "x": "y"}}, False),
        ({"task_types": ["echo"], "statuses": ["completed"], "labels": {"shop": "de"}}, True),
        ({"task_types": ["echo"], "statuses": ["failed"], "labels": {"shop": "de"}}, False),
    ],
)
async def test_a_subscription_is_told_of_what_it_wants(here: System, rules: Any, wanted: bool) -> None:
    await subscribe(here, **rules)
    await end(here, await here.running(labels={"shop": "de", "channel": "web"}), Completed(1))
    assert [d.subscription for d in await told(here)] == ["all"] * wanted


async def test_everybody_who_wants_it_is_told_apart(here: System) -> None:
    await subscribe(here, "one")
    await subscribe(here, "two")
    task = await here.running(callback_url=URL)
    await end(here, task, Completed(1))
    made = await here.store.deliveries_of(task.id, 10)
    assert [d.labels.get("subscription") for d in made] == ["one", "two", None]
    assert {d.lane for d in made} == {
        lane_of_subscription("one"),
        lane_of_subscription("two"),
        lane_of(CALLBACK, "hooks.example.com"),
    }


async def test_nothing_is_told_of_deliveries(here: System) -> None:
    await subscribe(here)
    await end(here, await here.running(), Completed(1))
    (delivery,) = await here.store.find(TaskFilter(types=(CALLBACK,)), limit=10)
    await here.place(delivery)
    (claimed,) = await here.claim(delivery)
    await end(here, claimed, Completed({"status": 200}))
    assert len(await told(here)) == 1


async def test_the_dispatcher_hears_of_deliveries(here: System) -> None:
    task = await here.running(callback_url=URL)
    here.signals.published.clear()
    await end(here, task, Completed(1))
    assert lane_of(CALLBACK, "hooks.example.com") in here.signals.on(DISPATCH)[-1]["lanes"]


async def test_what_wants_nothing_costs_nothing(here: System) -> None:
    (change,) = await end(here, await here.running(), Completed(1))
    assert telling(change, ()) is change


async def test_a_large_result_is_clipped_and_says_so(here: System) -> None:
    await end(here, await here.running(callback_url=URL), Completed("x" * 100_000))
    (delivery,) = await told(here)
    assert len(orjson.dumps(delivery.data["output_data"])) <= OUTPUT_BYTES
    assert delivery.data["output_clipped"]["bytes"] == 100_002


async def test_who_subscribes_is_not_read_with_every_move(here: System) -> None:
    await subscribe(here)
    await here.catalog.types()
    asked = 0
    subscribers = here.store.subscribers

    async def counted() -> Any:
        nonlocal asked
        asked += 1
        return await subscribers()

    here.store.subscribers = counted  # type: ignore[method-assign, assignment]
    for _ in range(3):
        await end(here, await here.running(), Completed(1))
    assert asked == 0
    assert len(await told(here)) == 3


# ── the built-in type ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_submits_deliveries(here: System) -> None:
    with pytest.raises(InvalidInput, match="made by the system itself") as refused:
        await here.submit(CALLBACK)
    assert refused.value.field == "type"


async def test_nobody_defines_a_type_of_the_systems_own_name() -> None:
    with pytest.raises(ValueError, match="the system's own"):
        CALLBACK_TYPE.model_validate({"name": CALLBACK, "runner": "echo"})


async def test_a_delivery_is_sent_again_as_it_is(here: System) -> None:
    await end(here, await here.running(callback_url=URL), Completed(1))
    (delivery,) = await here.store.find(TaskFilter(types=(CALLBACK,)), limit=10)
    await here.control.cancel(delivery.id)
    with pytest.raises(InvalidInput, match="sent again as it is"):
        await here.control.retry(delivery.id, input_data={"url": "https://evil.example.com"})
    assert (await here.control.retry(delivery.id)).status is Status.PENDING


async def test_retries_go_on_for_about_a_day() -> None:
    policy = CALLBACK_TYPE.retry
    for luck, hours in ((0.0, 16.4), (0.5, 24.6), (0.999, 32.8)):
        waits = [policy.delay(n, luck=luck) for n in range(1, policy.max_attempts)]
        assert hours - 0.1 < sum(waits) / 3600 < hours + 0.1
    assert policy.delay(1, luck=0.5) < 10, "the first repeat comes soon"


async def test_lists_and_actions_leave_deliveries_out_unless_named(here: System) -> None:
    task = await here.running(callback_url=URL)
    await end(here, task, Completed(1))
    assert [t.id for t in await here.store.find(TaskFilter(), limit=10)] == [task.id]
    assert (await here.control.act("cancel", TaskFilter(statuses=(Status.PENDING,)))).matched == 0
    named = TaskFilter(statuses=(Status.PENDING,), types=(CALLBACK,))
    assert (await here.control.act("cancel", named)).changed == 1


# ── pause ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_to_be_told_to_a_paused_subscription_waits_and_says_why(here: System) -> None:
    await subscribe(here)
    await subscribe(here, "other")
    await subscriptions(here).pause("all", "it moves", by="ann")
    task = await here.running()
    await end(here, task, Completed(1))
    paused, other = await here.store.deliveries_of(task.id, 10)
    assert await here.rounds() == [other.id]
    limiting = Limiting(here.store, here.store, here.catalog, here.signals, here.clock)
    (hold,) = (await limiting.why(paused)).holds
    assert hold.kind == "paused"
    assert hold.message == "lane:tradefree.callback/subscription:all is paused by ann: it moves."
    await subscriptions(here).resume("all", by="ann")
    assert await here.rounds() == [paused.id]


async def test_what_waited_for_another_attempt_is_sent_when_it_is_resumed(here: System) -> None:
    await subscribe(here)
    await subscribe(here, "other")
    task = await here.running()
    await end(here, task, Completed(1))
    first, other = await here.store.deliveries_of(task.id, 10)
    await here.place(first, other)
    for claimed in await here.claim(first, other):
        await end(here, claimed, DidNotWork("http_500", "No.", retryable=True))
    await subscriptions(here).pause("all", "", by="ann")
    await subscriptions(here).resume("all", by="ann")
    assert [await here.status(delivery) for delivery in (first, other)] == [Status.PENDING, Status.SCHEDULED]
    assert await here.rounds() == [first.id]


async def test_what_has_been_admitted_when_it_is_paused_goes_back_in_line(here: System) -> None:
    await subscribe(here)
    task = await here.running()
    await end(here, task, Completed(1))
    (delivery,) = await here.store.deliveries_of(task.id, 10)
    assert await here.rounds() == [delivery.id]
    await subscriptions(here).pause("all", "", by="ann")
    await here.rounds()
    assert await here.status(delivery) is Status.PENDING


# ── what people change ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_subscription_has_a_secret_that_is_shown_once(here: System) -> None:
    ours = subscriptions(here)
    subscription = Subscription(name="all", url="https://x.example.com/")
    secret = await ours.put(subscription, None, by="ann")
    assert secret is not None
    assert (await ours.one("all"))[0].secrets.current == secret
    assert await ours.put(subscription, None, by="ann") is None
    assert (await ours.one("all"))[0].secrets.current == secret


async def test_a_secret_that_is_given_replaces_the_one_before_slowly(here: System) -> None:
    ours, first, second = subscriptions(here), new_secret(), new_secret()
    subscription = Subscription(name="all", url="https://x.example.com/")
    assert await ours.put(subscription, first, by="ann") is None
    assert await ours.put(subscription, second, by="ann") is None
    secrets = (await ours.one("all"))[0].secrets
    assert secrets.at(here.clock.now()) == (second, first)
    with pytest.raises(InvalidInput, match="whsec_") as refused:
        await ours.put(subscription, "hunter2", by="ann")
    assert refused.value.field == "secret"


async def test_rotation(here: System) -> None:
    ours = subscriptions(here)
    await subscribe(here)
    before = (await ours.one("all"))[0].secrets.current
    after = await ours.rotate("all", by="ann", keep=timedelta(hours=1))
    assert after.at(here.clock.now()) == (after.current, before)
    own = await ours.installation()
    assert await ours.installation() == own
    assert (await ours.rotate_installation(by="ann")).old == own.current


async def test_everything_is_written_down_and_no_secret_with_it(here: System) -> None:
    ours = subscriptions(here)
    await ours.put(Subscription(name="all", url=URL), None, by="ann")
    await ours.pause("all", "why not", by="bob")
    await ours.resume("all", by="bob")
    await ours.rotate("all", by="ann")
    await ours.delete("all", by="cy")
    trail = await here.store.audit(limit=10, target="subscription:all")
    assert [(entry.actor, entry.action.removeprefix("subscription.")) for entry in reversed(trail)] == [
        ("ann", "put"),
        ("bob", "pause"),
        ("bob", "resume"),
        ("ann", "rotate"),
        ("cy", "delete"),
    ]
    assert not any(word in str(trail) for word in ("whsec_", "token"))


async def test_what_is_not_there(here: System) -> None:
    ours = subscriptions(here)
    for act in (
        ours.one("x"),
        ours.delete("x", by="ann"),
        ours.pause("x", "", by="ann"),
        ours.resume("x", by="ann"),
        ours.rotate("x", by="ann"),
        ours.test("x", by="ann"),
    ):
        with pytest.raises(NotFound, match="no subscription 'x'"):
            await act


async def test_a_test_is_a_delivery_that_tells_of_nothing(here: System) -> None:
    await subscribe(here)
    task = await subscriptions(here).test("all", by="ann")
    (delivery,) = await told(here)
    assert (delivery.event, delivery.subscription) == ("ai.tradefree.subscription.test", "all")
    assert delivery.data["sent_by"] == "ann"
    assert await here.rounds() == [task.id]
    await subscriptions(here).pause("all", "", by="ann")
    with pytest.raises(Conflict, match="paused"):
        await subscriptions(here).test("all", by="ann")


@pytest.mark.parametrize(
    ("failures", "hours", "long"), [(20, 24, True), (19, 48, False), (1000, 23.9, False), (20, None, False)]
)
def test_when_failing_has_been_long(system: System, failures: int, hours: float | None, long: bool) -> None:
    now = system.clock.now()
    since = now - timedelta(hours=hours) if hours is not None else None
    assert Health(failures, since).too_long(now) is long
