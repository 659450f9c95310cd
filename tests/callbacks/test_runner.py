"""The whole way: a task ends on a worker, its delivery is made by the same worker, and a receiver hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from callbacks.world import Callbacks, a_world
from tradefree.callbacks import health as health_module
from tradefree.callbacks.health import GONE
from tradefree.errors import StorageUnavailable
from tradefree.tasks.states import Status
from tradefree.testing.receiver import CallbackReceiver, Reply, Told
from tradefree.worker import runtime as runtime_module


def signed(told: Told, secret: str) -> bool:
    """Whether the receiver's library would sign it so. (Its ``verify`` looks at the real clock.)"""
    at = datetime.fromtimestamp(int(told.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(told.id, at, told.body.decode()) in told.headers["webhook-signature"].split(" ")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callbacks]:
    monkeypatch.setattr(health_module, "EVERY", 0.01)
    monkeypatch.setattr(runtime_module, "BEAT_EVERY", 0.1)
    async with a_world() as world:
        yield world


async def test_the_receiver_hears_of_it_in_the_standard_way(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        task_id = await world.ended({"order": 7}, callback_url=receiver.url, labels={"shop": "de"})
        told = await world.heard(receiver)
        (delivery,) = await world.deliveries(task_id, Status.COMPLETED)
    secrets = await world.subscriptions.installation()
    assert signed(told, secrets.current)
    event = told.event
    assert told.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (event["specversion"], event["type"]) == ("1.0", "ai.tradefree.task.completed")
    assert (event["source"], event["subject"]) == ("https://tasks.example.com", task_id)
    assert event["id"] == told.id == delivery.id
    assert event["data"]["output_data"] == {"order": 7}
    assert event["data"]["labels"] == {"shop": "de"}
    assert event["data"]["status_url"] == f"https://tasks.example.com/api/v1/tasks/{task_id}"
    assert delivery.output_data == {"status": 204, "host": "127.0.0.1", "bytes": len(told.body)}


async def test_a_delivery_is_repeated_with_the_same_id_and_body(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        receiver.replies.extend([Reply(500), Reply(404), Reply(302, {"Location": "http://x/"})])
        task_id = await world.ended(callback_url=receiver.url)
        for code in ("http_500", "http_404", "redirect"):
            (delivery,) = await world.deliveries(task_id, Status.SCHEDULED, error_code=code)
            assert delivery.run_at > world.clock.now()
            world.clock.advance((delivery.run_at - world.clock.now()).total_seconds())
        (delivery,) = await world.deliveries(task_id, Status.COMPLETED)
    assert delivery.failures == 3
    assert len({told.id for told in receiver.told}) == len({told.body for told in receiver.told}) == 1
    assert len({told.headers["webhook-timestamp"] for told in receiver.told}) == 4, "each attempt is signed anew"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_that_asks_for_a_pause_gets_it(world: Callbacks, status: int) -> None:
    async with CallbackReceiver() as receiver:
        receiver.replies.append(Reply(status, {"Retry-After": "3600"}))
        task_id = await world.ended(callback_url=receiver.url)
        (delivery,) = await world.deliveries(task_id, Status.SCHEDULED)
    assert delivery.run_at - world.clock.now() >= timedelta(seconds=3600)


async def test_another_status_asks_for_no_pause(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        receiver.replies.append(Reply(500, {"Retry-After": "3600"}))
        task_id = await world.ended(callback_url=receiver.url)
        (delivery,) = await world.deliveries(task_id, Status.SCHEDULED)
    assert delivery.run_at - world.clock.now() <= timedelta(seconds=10)


async def test_a_tasks_own_receiver_that_is_gone_is_left_alone(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        receiver.reply = Reply(410)
        task_id = await world.ended(callback_url=receiver.url)
        (delivery,) = await world.deliveries(task_id, Status.FAILED)
    assert (delivery.error_code, delivery.failures) == ("http_410", 1)


async def test_a_subscription_that_is_gone_is_paused_and_what_waits_is_sent_when_it_is_resumed(
    world: Callbacks,
) -> None:
    async with CallbackReceiver() as receiver:
        await world.subscribe("shop", receiver.url)
        receiver.reply = Reply(410)
        first = await world.ended()
        await world.deliveries(first, Status.SCHEDULED, error_code="http_410")
        paused = (await world.subscriptions.one("shop"))[0].paused
        assert paused is not None
        assert (paused.by, paused.reason) == ("system", GONE)
        second = await world.ended()
        world.clock.advance(1)
        assert await world.admit() == []
        receiver.reply = Reply()
        await world.subscriptions.resume("shop", by="ann")
        for task_id in (first, second):
            await world.deliveries(task_id, Status.COMPLETED)


async def test_a_subscription_that_fails_for_a_day_is_paused(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        await world.subscribe("shop", receiver.url)
        receiver.reply = Reply(500)
        for number in range(20):
            task_id = await world.ended()
            await world.deliveries(task_id, Status.SCHEDULED)
            await world.until(world.failures("shop", number + 1))
            (delivery,) = await world.deliveries(task_id, Status.SCHEDULED)
            await world.control.cancel(delivery.id)
            world.clock.advance(86400 / 19 + 1)
        paused = (await world.subscriptions.one("shop"))[0].paused
        assert paused is not None
        assert "20 deliveries in a row failed since 2026" in paused.reason
        assert paused.reason.endswith("The receiver 127.0.0.1 answered 500.")


async def test_a_success_begins_the_count_anew(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        await world.subscribe("shop", receiver.url)
        receiver.replies.append(Reply(500))
        await world.ended()
        await world.until(world.failures("shop", 1))
        _, health = await world.subscriptions.one("shop")
        assert (health.failing_since, health.last_failure_at) == (world.clock.now(), world.clock.now())
        assert health.last_error == "The receiver 127.0.0.1 answered 500."
        await world.ended()
        await world.until(world.failures("shop", 0))
        _, health = await world.subscriptions.one("shop")
        assert (health.failing_since, health.last_success_at) == (None, world.clock.now())


async def test_both_secrets_sign_while_one_is_rotated(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        await world.subscribe("shop", receiver.url)
        old = (await world.subscriptions.one("shop"))[0].secrets.current
        new = (await world.subscriptions.rotate("shop", by="ann")).current
        await world.ended()
        told = await world.heard(receiver)
    for secret in (old, new):
        assert signed(told, secret)


async def test_a_rotation_of_the_installations_secret_is_heard_of(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        await world.ended(callback_url=receiver.url)
        await world.heard(receiver)
        new = await world.subscriptions.rotate_installation(by="ann")
        await world.ended(callback_url=receiver.url)
        told = await world.heard(receiver)
    for secret in new.at(world.clock.now()):
        assert signed(told, secret)


async def test_a_subscription_that_was_deleted_is_told_nothing(world: Callbacks) -> None:
    async with CallbackReceiver() as receiver:
        await world.subscribe("shop", receiver.url)
        receiver.reply = Reply(500)
        task_id = await world.ended()
        (delivery,) = await world.deliveries(task_id, Status.SCHEDULED)
        await world.subscriptions.delete("shop", by="ann")
        world.clock.advance(60)
        (delivery,) = await world.deliveries(task_id, Status.FAILED)
        assert delivery.error_code == "no_subscription"
        assert len(receiver.told) == 1


async def test_an_address_inside_is_refused_on_the_worker_too(world: Callbacks) -> None:
    task_id = await world.ended(callback_url="http://10.0.0.1/hook?token=secret")
    (delivery,) = await world.deliveries(task_id, Status.FAILED)
    assert (delivery.error_code, delivery.failures) == ("address_refused", 1)
    lines = await world.store.logs(delivery.id, limit=100)
    assert "10.0.0.1" in str(lines)
    assert "secret" not in str(lines)


async def test_the_trace_goes_on(world: Callbacks) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with CallbackReceiver() as receiver:
        await world.send_now(receiver.url, traceparent=trace)
        told = await world.heard(receiver)
    assert told.headers["traceparent"] == told.event["traceparent"] == trace


async def test_deliveries_do_not_wait_for_what_is_written_down_of_them(
    world: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Any) -> Any:
        raise StorageUnavailable("away")

    monkeypatch.setattr(world.store, "note_deliveries", away)
    async with CallbackReceiver() as receiver:
        await world.subscribe("shop", receiver.url)
        await world.deliveries(await world.ended(), Status.COMPLETED)
