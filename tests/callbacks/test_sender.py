"""Sending, to real servers: bounds, redirects, and names that resolve to something else the second time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tradefree.callbacks import sender as sending
from tradefree.callbacks.guard import Guard
from tradefree.callbacks.sender import LONGEST_WAIT, Sender
from tradefree.errors import Failed
from tradefree.testing.receiver import CallbackReceiver, Reply

HERE = ["127.0.0.1"]


class Names(AbstractResolver):
    """A name server of which a test says what it answers: each time the next of the list, then the last again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """There is nothing to close."""


@asynccontextmanager
async def a_sender(allow: list[str], resolver: AbstractResolver | None = None) -> AsyncIterator[Sender]:
    sender = Sender(Guard(allow), resolver=resolver)
    try:
        yield sender
    finally:
        await sender.close()


@asynccontextmanager
async def a_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that speaks as ``talk`` does: its URL and one entry for each connection."""
    met: list[int] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(1)
        try:
            await talk(reader, writer)  # type: ignore[misc]
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", met
    finally:
        server.close()


async def test_what_arrives_is_what_was_sent() -> None:
    async with CallbackReceiver() as receiver, a_sender(HERE) as sender:
        answer = await sender.post(receiver.url, b'{"a": 1}', {"webhook-id": "x", "Content-Type": "a/b"})
        told = await receiver.next()
    assert answer.status == 204
    assert told.body == b'{"a": 1}'
    assert (told.id, told.headers["content-type"], told.headers["user-agent"]) == ("x", "a/b", "tradefree")
    assert told.headers["accept-encoding"] == "identity"


async def test_nothing_reaches_what_is_not_allowed() -> None:
    async with CallbackReceiver() as receiver, a_sender([]) as sender:
        with pytest.raises(Failed, match="not public") as refused:
            await sender.post(receiver.url, b"", {})
        assert (refused.value.code, refused.value.retryable) == ("address_refused", False)
        assert receiver.told == []


async def test_a_name_that_leads_inside_is_refused_before_the_connection() -> None:
    names = Names(["127.0.0.1"])
    async with CallbackReceiver() as receiver, a_sender([], names) as sender:
        with pytest.raises(Failed, match=r"leads to 127\.0\.0\.1") as refused:
            await sender.post(f"http://inside.example.com:{receiver.port}/", b"", {})
        assert (refused.value.code, refused.value.retryable) == ("address_refused", False)
        assert names.asked == ["inside.example.com"]
        assert receiver.told == []


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing() -> None:
    """DNS rebinding: a good address while it is looked at, the loopback when it is used."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with CallbackReceiver() as receiver, a_sender(["127.0.0.1/32"], names) as sender:
        url = f"http://rebound.example.com:{receiver.port}/"
        receiver.reply = Reply(204, {"Connection": "close"})
        assert (await sender.post(url, b"1", {})).status == 204
        with pytest.raises(Failed, match=r"leads to 127\.0\.0\.2"):
            await sender.post(url, b"2", {})
        assert [told.body for told in receiver.told] == [b"1"]
        assert names.asked == ["rebound.example.com"] * 2, "the address of the first time is not kept"


@pytest.mark.parametrize("addresses", [["127.0.0.1", "10.0.0.1"], ["::ffff:127.0.0.1", "::1"], ["64:ff9b::7f00:1"]])
async def test_all_addresses_of_a_name_are_looked_at(addresses: list[str]) -> None:
    async with CallbackReceiver() as receiver, a_sender([], Names(addresses)) as sender:
        with pytest.raises(Failed) as refused:
            await sender.post(f"http://many.example.com:{receiver.port}/", b"", {})
        assert refused.value.code == "address_refused"
        assert receiver.told == []


async def test_of_several_addresses_only_the_good_one_is_called() -> None:
    async with CallbackReceiver() as receiver, a_sender(HERE, Names(["127.0.0.2", "127.0.0.1"])) as sender:
        assert (await sender.post(f"http://two.example.com:{receiver.port}/", b"", {})).status == 204
        assert receiver.told[0].headers["host"] == f"two.example.com:{receiver.port}"


async def test_a_host_that_is_allowed_by_name_may_be_inside() -> None:
    async with CallbackReceiver() as receiver, a_sender(["hooks.corp.example"], Names(["127.0.0.1"])) as sender:
        assert (await sender.post(f"http://hooks.corp.example:{receiver.port}/", b"", {})).status == 204


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with CallbackReceiver() as inside, CallbackReceiver() as receiver, a_sender(HERE) as sender:
        receiver.reply = Reply(status, {"Location": inside.url})
        assert (await sender.post(receiver.url, b"", {})).status == status
        assert inside.told == []


async def test_the_connection_is_used_again() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer)

    async with a_server(talk) as (url, met), a_sender(HERE) as sender:
        for _ in range(3):
            assert (await sender.post(url, b"", {})).status == 200
    assert len(met) == 1


async def test_an_answer_without_an_end_is_an_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            await writer.drain()

    async with a_server(talk) as (url, _), a_sender(HERE) as sender, asyncio.timeout(5):
        assert (await sender.post(url, b"", {})).status == 200


async def test_an_answer_whose_body_does_not_come_is_an_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        await asyncio.sleep(30)

    async with a_server(talk) as (url, _), a_sender(HERE) as sender, asyncio.timeout(5):
        assert (await sender.post(url, b"", {})).status == 200


async def test_a_receiver_that_stays_silent_has_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TOTAL", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with a_server(talk) as (url, _), a_sender(HERE) as sender, asyncio.timeout(5):
        with pytest.raises(Failed, match="No answer within") as late:
            await sender.post(url, b"", {})
    assert (late.value.code, late.value.retryable) == ("timeout", True)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 100_000])
async def test_what_is_no_answer_can_be_tried_again(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with a_server(talk) as (url, _), a_sender(HERE) as sender:
        with pytest.raises(Failed) as wrong:
            await sender.post(f"{url}?token=secret", b"", {})
    assert (wrong.value.code, wrong.value.retryable) == ("no_answer", True)
    assert "secret" not in str(wrong.value)


async def test_nobody_there_can_be_tried_again() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    async with a_sender(HERE) as sender:
        with pytest.raises(Failed) as wrong:
            await sender.post(url, b"", {})
    assert (wrong.value.code, wrong.value.retryable) == ("unreachable", True)


async def test_a_name_that_nobody_knows_can_be_tried_again() -> None:
    class Nowhere(Names):
        async def resolve(self, *args: object, **more: object) -> list[ResolveResult]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with a_sender([], Nowhere([])) as sender:
        with pytest.raises(Failed, match="cannot be resolved") as wrong:
            await sender.post("https://nowhere.example.com/", b"", {})
    assert (wrong.value.code, wrong.value.retryable) == ("unreachable", True)


async def test_one_who_speaks_no_tls() -> None:
    async with CallbackReceiver() as receiver, a_sender(HERE) as sender:
        with pytest.raises(Failed) as wrong:
            await sender.post(receiver.url.replace("http:", "https:"), b"", {})
    assert (wrong.value.code, wrong.value.retryable) == ("certificate", True)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7.0, 7.0),
        ("0", 0.0, 0.0),
        ("99999999999999", LONGEST_WAIT, LONGEST_WAIT),
    ],
)
async def test_how_long_a_receiver_wants_to_be_left_alone(text: str, least: float, most: float) -> None:
    async with CallbackReceiver() as receiver, a_sender(HERE) as sender:
        receiver.reply = Reply(503, {"Retry-After": text})
        answer = await sender.post(receiver.url, b"", {})
    assert answer.retry_after is not None
    assert least <= answer.retry_after <= most


@pytest.mark.parametrize(("seconds", "least", "most"), [(600, 500.0, 600.0), (-86400, 0.0, 0.0)])
async def test_until_when_a_receiver_wants_to_be_left_alone(seconds: int, least: float, most: float) -> None:
    async with CallbackReceiver() as receiver, a_sender(HERE) as sender:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        receiver.reply = Reply(503, {"Retry-After": format_datetime(until, usegmt=True)})
        answer = await sender.post(receiver.url, b"", {})
    assert answer.retry_after is not None
    assert least <= answer.retry_after <= most


@pytest.mark.parametrize("text", ["soon", "-5", "1.5", "", "٣"])
async def test_a_wait_that_is_none(text: str) -> None:
    async with CallbackReceiver() as receiver, a_sender(HERE) as sender:
        receiver.reply = Reply(429, {"Retry-After": text})
        assert (await sender.post(receiver.url, b"", {})).retry_after is None
