"""Signals over a Redis that is well: who hears what, and what is left behind."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from broker.talk import Messages, a_process, channels, client, connections, heard, signals, until, until_missed
from tradefree.access.secrets import new_key
from tradefree.broker import redis_ears
from tradefree.broker.redis_signals import SHARDS, RedisSignals
from tradefree.tasks.ports import DISPATCH, WORKERS, task_topic
from tradefree.testing.servers import Redis


async def listen(stack: AsyncExitStack, process: RedisSignals, topic: str) -> Messages:
    """The messages of a subscription that lasts as long as the stack."""
    return await stack.enter_async_context(process.subscribe(topic))


async def test_what_one_process_publishes_the_other_hears(url: str) -> None:
    async with a_process(url) as one, a_process(url) as other, other.subscribe(DISPATCH) as messages:
        one.publish(DISPATCH, {"lanes": ["a/", "b/"]})
        assert await heard(messages) == {"lanes": ["a/", "b/"]}


async def test_a_process_hears_itself_once_and_at_once(url: str) -> None:
    async with a_process(url) as one, one.subscribe("task:1") as messages:
        one.publish("task:1", {"n": 1})
        assert await heard(messages) == {"n": 1}
        async with a_process(url) as other:
            other.publish("task:1", {"n": 2})  # comes after anything that Redis might have sent back
            assert await heard(messages) == {"n": 2}


async def test_nothing_is_lost_after_subscribe_was_entered(url: str) -> None:
    """Also right at the start, while the connection is being made."""
    async with a_process(url) as speaker, AsyncExitStack() as stack:
        for n in range(20):
            listener = await stack.enter_async_context(a_process(url))
            async with listener.subscribe(task_topic(str(n))) as messages:
                speaker.publish(task_topic(str(n)), {"n": n})
                assert await heard(messages) == {"n": n}


async def test_listeners_that_come_while_the_connection_is_made_are_all_heard_of(url: str) -> None:
    async with a_process(url) as speaker, a_process(url) as listener, AsyncExitStack() as stack:
        topics = [task_topic(str(n)) for n in range(200)]
        all_messages = await asyncio.gather(*(listen(stack, listener, topic) for topic in topics))
        for topic in topics:
            speaker.publish(topic, {"topic": topic})
        assert [await heard(messages) for messages in all_messages] == [{"topic": topic} for topic in topics]


async def test_any_thread_may_publish(url: str) -> None:
    async with a_process(url) as one, a_process(url) as other, other.subscribe(WORKERS) as messages:
        threads = [threading.Thread(target=one.publish, args=(WORKERS, {"ids": [str(n)]})) for n in range(10)]
        for thread in threads:
            thread.start()
        assert {(await heard(messages))["ids"][0] for _ in threads} == {str(n) for n in range(10)}


async def test_messages_of_one_topic_keep_their_order(url: str) -> None:
    async with a_process(url) as one, a_process(url) as other, other.subscribe("task:1") as messages:
        for n in range(500):
            one.publish("task:1", {"n": n})
        assert [(await heard(messages))["n"] for _ in range(500)] == list(range(500))


async def test_a_listener_of_one_task_hears_nothing_of_its_neighbours(url: str) -> None:
    async with a_process(url) as one, a_process(url) as other, other.subscribe("task:1") as messages:
        for n in range(5 * SHARDS):
            one.publish(f"task:{n + 2}", {"n": n})  # some of them on the same channel
        one.publish("task:1", {"mine": True})
        assert await heard(messages) == {"mine": True}


async def test_tasks_share_a_few_channels_and_watchers_of_one_task_one(url: str) -> None:
    async with a_process(url) as one, AsyncExitStack() as stack:
        for n in range(10 * SHARDS):
            await listen(stack, one, task_topic(str(n)))
        assert len(channels(url)) == SHARDS


async def test_a_channel_nobody_listens_to_is_given_up_after_a_while(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_ears, "IDLE", 0.2)
    monkeypatch.setattr(redis_ears, "PING_EVERY", 0.05)
    async with a_process(url) as one, a_process(url) as other, one.subscribe("task:1"):
        async with one.subscribe(DISPATCH):
            assert any(name.endswith(DISPATCH) for name in channels(url))
        await until(lambda: not any(name.endswith(DISPATCH) for name in channels(url)), "the channel is given up")
        assert len(channels(url)) == 1
        async with one.subscribe(DISPATCH) as messages:  # and can be had again
            other.publish(DISPATCH, {"n": 1})
            assert await heard(messages) == {"n": 1}


async def test_a_cancelled_listener_leaves_no_trace(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_ears, "IDLE", 0.0)
    monkeypatch.setattr(redis_ears, "PING_EVERY", 0.05)

    async def watch() -> None:
        async with one.subscribe("task:1"):
            raise AssertionError("it was to be cancelled before")

    async with a_process(url) as one, one.subscribe(DISPATCH):
        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait({watching})
        await until(lambda: len(channels(url)) == 1, "the channel of the cancelled listener is given up")


@pytest.mark.parametrize("apart", ["prefix", "database"])
async def test_systems_on_one_redis_do_not_hear_each_other(url: str, apart: str) -> None:
    base, _, number = url.rpartition("/")
    there = f"{base}/{int(number) + 8}" if apart == "database" else url
    prefix = "shop-b:" if apart == "prefix" else "tradefree:"
    async with (
        a_process(url) as one,
        a_process(url) as other,
        a_process(there, broker_prefix=prefix) as stranger,
        a_process(there, broker_prefix=prefix) as its_peer,
        other.subscribe(DISPATCH, "task:1") as messages,
        its_peer.subscribe(DISPATCH, "task:1") as its_messages,
    ):
        for n, topic in enumerate((DISPATCH, "task:1")):
            stranger.publish(topic, {"stranger": n})
        assert [await heard(its_messages), await heard(its_messages)] == [{"stranger": 0}, {"stranger": 1}]
        one.publish("task:1", {"from": "one of us"})
        assert await heard(messages) == {"from": "one of us"}


async def test_garbage_on_our_channels_harms_nobody(url: str) -> None:
    async with a_process(url) as one, a_process(url) as other, other.subscribe(DISPATCH) as messages:
        (channel,) = channels(url)
        with client(url) as stranger:
            for garbage in (b"", b"\xff\xfe", b"[]", b'[["dispatch", {"lanes": 5}]]', b"gAAAAA" * 20):
                assert stranger.publish(channel, garbage) == 1
        one.publish(DISPATCH, {"lanes": []})
        assert await heard(messages) == {"lanes": []}


async def test_a_message_that_json_cannot_carry_is_heard_here_and_harms_nothing(url: str) -> None:
    async with (
        a_process(url) as one,
        a_process(url) as other,
        one.subscribe("task:1") as here,
        other.subscribe("task:1") as there,
    ):
        one.publish("task:1", {"text": "\ud83d"})  # half a character: a chunk may end anywhere
        one.publish("task:1", {"text": "whole"})
        assert await heard(here) == {"text": "\ud83d"}
        assert await heard(there) == {"text": "whole"}


async def test_what_goes_through_redis_can_be_read_by_nobody_else(url: str) -> None:
    async with a_process(url) as one, a_process(url) as other, other.subscribe("task:1") as messages:
        with client(url) as spy, spy.monitor() as monitor:
            one.publish("task:1", {"kind": "partial", "text": "the customer's card is 4242-4242"})
            await heard(messages)
            spied = next(line["command"] for line in monitor.listen() if line["command"].startswith("PUBLISH"))
    assert "4242" not in spied
    assert "partial" not in spied


async def test_with_another_secret_key_nothing_is_heard_and_the_log_says_why(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        a_process(url) as one,
        a_process(url) as other,
        a_process(url, key=new_key()) as stranger,
        other.subscribe("task:1") as messages,
    ):
        stranger.publish("task:1", {"n": 1})
        await until(lambda: "TRADEFREE_SECRET_KEY" in capsys.readouterr().out, "the log tells of it")
        one.publish("task:1", {"n": 2})
        assert await heard(messages) == {"n": 2}


async def test_the_last_words_are_heard(url: str) -> None:
    async with a_process(url) as other, other.subscribe(DISPATCH) as messages:
        for n in range(20):
            async with a_process(url) as one:
                one.publish(DISPATCH, {"n": n})
                if n % 2:
                    await asyncio.sleep(0)  # it has begun to speak
            assert await heard(messages) == {"n": n}


async def test_nothing_is_left_running(redis: Redis) -> None:
    url = redis.url
    one = signals(url)
    before = asyncio.all_tasks()
    for _ in range(3):  # and it can begin again
        async with one.running(), one.subscribe(DISPATCH) as messages:
            one.publish(DISPATCH, {"n": 1})
            await until_missed(messages)
            assert connections(url)
        assert asyncio.all_tasks() == before
        await until(lambda: connections(url) == 0, "the connections are closed")
    one.publish(DISPATCH, {"n": 2})  # outside of running: dropped without a word


async def test_it_can_run_in_one_loop_after_another(url: str) -> None:
    one = signals(url)

    async def once() -> None:
        async with a_process(url) as other, one.running(), other.subscribe("task:1") as messages:
            one.publish("task:1", {"n": 1})
            assert await heard(messages) == {"n": 1}

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, once())
