"""The client's calls for messages and files, against recorded answers and the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest

from dify.dify_replay import KEY, FakeDify, Reply, exchanges, fake_dify, said, stream
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyNotFound, DifyRejected
from tradefree.dify.files import kind_of, remote_file
from tradefree.testing.dify_standin import DifyStandin

TALKED = "18-conversations-messages-feedback"


@pytest.fixture
async def dify() -> AsyncIterator[FakeDify]:
    async with fake_dify() as server:
        yield server


@pytest.fixture
async def client(dify: FakeDify) -> AsyncIterator[DifyClient]:
    async with DifyClient(dify.url, KEY) as made:
        yield made


async def test_what_was_said_can_be_read(dify: FakeDify, client: DifyClient) -> None:
    said_, listed, *_ = exchanges(TALKED)
    dify.on("GET", "/messages", said_.reply())
    dify.on("GET", "/conversations", listed.reply())

    page = await client.messages("c", "u", first_id="m", limit=5)
    talks = await client.conversations("u", last_id="x")

    assert [message.query for message in page.messages] == ["hi there", "second"]
    assert page.messages[0].answer.startswith("You said: hi there")
    assert [item.name for item in talks.conversations] == ["stream me", "hi there"]
    assert dify.seen[0].query == {"conversation_id": "c", "user": "u", "limit": "5", "first_id": "m"}
    assert dify.seen[1].query == {"user": "u", "limit": "20", "last_id": "x"}


async def test_feedback_names_and_deletes(dify: FakeDify, client: DifyClient) -> None:
    recorded = exchanges(TALKED)
    dify.on("POST", "/messages/*/feedbacks", recorded[2].reply())
    dify.on("POST", "/conversations/*/name", recorded[7].reply())
    dify.on("DELETE", "/conversations/*", Reply(204, {}, ()))

    await client.give_feedback("m", "u", "like", content="good")
    renamed = await client.rename_conversation("c", "u", "renamed")
    await client.delete_conversation("c", "u")

    assert dify.seen[0].json == {"rating": "like", "user": "u", "content": "good"}
    assert renamed.name == "renamed"
    assert dify.seen[2].json == {"user": "u"}


async def test_suggestions_and_their_absence(dify: FakeDify, client: DifyClient) -> None:
    dify.on("GET", "/messages/*/suggested", said({"result": "success", "data": ["Why?"]}), exchanges(TALKED)[5].reply())

    assert await client.suggested_questions("m", "u") == ["Why?"]
    with pytest.raises(DifyRejected, match="Suggested Questions Is Disabled"):
        await client.suggested_questions("m", "u")


async def test_a_chat_says_all_that_it_was_told(dify: FakeDify, client: DifyClient) -> None:
    dify.on("POST", "/chat-messages", exchanges("42")[1].reply())
    dify.on("POST", "/completion-messages", exchanges("41")[1].reply())
    files = [remote_file("https://x.example/a.png?secret=1")]
    async for _ in client.chat_stream("q", "u", conversation_id="c", workflow_id="w", files=files, auto_title=True):
        pass
    told = [event async for event in client.completion_stream({}, "u", files=files)]

    assert told[-1].event == "message_end"
    assert dify.seen[0].json["files"][0]["type"] == "image"
    assert {name: dify.seen[0].json[name] for name in ("conversation_id", "workflow_id", "auto_generate_name")} == {
        "conversation_id": "c",
        "workflow_id": "w",
        "auto_generate_name": True,
    }
    assert dify.seen[1].json["files"] == files
    assert client.server_version == "1.14.2"


async def test_a_stop_never_waits_behind_what_it_should_stop(dify: FakeDify) -> None:
    """The session that was handed in has one connection, and the answer to be stopped holds it."""
    gate = asyncio.Event()
    dify.on("POST", "/chat-messages", stream(b"event: ping\n\n", gate))
    dify.on("POST", "/chat-messages/*/stop", said({"result": "success"}))
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        aiohttp.ClientSession(connector=connector) as one,
        DifyClient(dify.url, KEY, session=one) as client,
        aclosing(client.chat_stream("q", "u")) as events,
    ):
        await anext(events)
        async with asyncio.timeout(5):
            await client.stop_chat("t", "u")
        gate.set()


async def test_icons_of_tools(dify: FakeDify, client: DifyClient) -> None:
    dify.on("GET", "/meta", exchanges("23")[2].reply())
    assert await client.meta() == {"tool_icons": {}}


@pytest.mark.parametrize(
    ("name", "mime", "kind"),
    [("a.PDF", None, "document"), ("a.mp4", None, "video"), ("a", "audio/ogg", "audio"), ("a.bin", None, "custom")],
)
def test_kinds_of_files(name: str, mime: str | None, kind: str) -> None:
    assert kind_of(name, mime) == kind


async def test_a_file_can_come_from_a_path_or_an_address(dify: FakeDify, client: DifyClient, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("from a path")
    dify.on("POST", "/files/upload", exchanges("20")[0].reply())
    dify.on("GET", "/there/pic.png", Reply(200, {"Content-Type": "image/png"}, (b"from an ", b"address")))

    file = await client.upload_path(tmp_path / "note.txt", "u")
    await client.upload_url(f"{dify.url}/there/pic.png?sig=1", "u")

    assert (file.name, file.size, file.extension) == ("note.txt", 10, "txt")
    assert b"from a path" in dify.asked("POST", "/files/upload")[0].body
    fetched, second = dify.asked("GET", "/there/pic.png")[0], dify.asked("POST", "/files/upload")[1]
    assert b'filename="pic.png"' in second.body
    assert b"from an address" in second.body
    assert "Authorization" not in fetched.headers, "the key is for Dify alone"


async def test_a_file_that_cannot_be_fetched_shows_no_secret(dify: FakeDify, client: DifyClient) -> None:
    dify.on("GET", "/large", Reply(200, {}, (b"x" * 100,)))
    with pytest.raises(DifyRejected) as gone:
        await client.upload_url(f"{dify.url}/gone?sig=SECRET", "u")
    with pytest.raises(DifyRejected) as large:
        await client.upload_url(f"{dify.url}/large", "u", largest=10)

    assert (gone.value.code, large.value.code) == ("file_unreachable", "file_too_large")
    assert "SECRET" not in str(gone.value)
    assert gone.value.__cause__ is None, "the cause shows the whole address"


async def test_the_stand_in_keeps_a_conversation() -> None:
    async with (
        DifyStandin([{"name": "bot", "mode": "chat"}], timing={"scale": 0.01}) as server,
        DifyClient(server.base_url, "app-bot") as client,
    ):
        first = [event async for event in client.chat_stream("one", "u")]
        conversation = first[-1].conversation_id or ""
        async for _ in client.chat_stream("two", "u", conversation_id=conversation):
            pass
        page = await client.messages(conversation, "u")
        assert [(item.query, item.answer) for item in page.messages] == [("one", "Echo: one"), ("two", "Echo: two")]
        with pytest.raises(DifyNotFound):
            async for _ in client.chat_stream("three", "another", conversation_id=conversation):
                pass
