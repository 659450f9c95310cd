"""The parser of server-sent events: the same events however the bytes are cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dify.dify_replay import exchanges
from tradefree.dify.models import StreamEvent
from tradefree.dify.stream import EventParser

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ends = st.sampled_from(["\n", "\r\n", "\r"])
frames = st.one_of(
    st.just("event: ping"),
    st.just(": a comment"),
    st.just("data: {broken"),
    st.just("retry: 3"),
    st.just("data: [1]"),
    texts.map(lambda text: f"data: {json.dumps({'event': 'text_chunk', 'text': text}, ensure_ascii=False)}"),
    texts.map(lambda text: f"data:{json.dumps({'event': 'two'}, indent=1)}".replace("\n", "\ndata: ")),
)


def parsed(chunks: list[bytes], *, largest: int = 1 << 20) -> tuple[list[StreamEvent], int]:
    parser = EventParser(largest)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish(), parser.skipped


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    end = draw(ends)
    body = "".join(frame.replace("\n", end) + end + end for frame in draw(st.lists(frames, max_size=6)))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + body.encode() + draw(st.binary(max_size=8))


@given(bodies(), st.lists(st.integers(0, 400)), st.sampled_from([1 << 20, 24]))
def test_any_split_gives_the_same_events(body: bytes, cuts: list[int], largest: int) -> None:
    edges = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    chunks = [body[a:b] for a, b in pairwise(edges)]

    assert parsed(chunks, largest=largest) == parsed([body], largest=largest)


@given(bodies())
def test_byte_by_byte_is_the_same_too(body: bytes) -> None:
    assert parsed([body[i : i + 1] for i in range(len(body))]) == parsed([body])


@given(st.binary(max_size=200))
def test_garbage_never_raises(body: bytes) -> None:
    parsed([body])


@given(st.lists(texts, min_size=1, max_size=5), ends)
def test_every_text_arrives_whole_and_in_order(wanted: list[str], end: str) -> None:
    body = "".join(f"data: {json.dumps({'event': 'e', 'text': text}, ensure_ascii=False)}{end}{end}" for text in wanted)
    events, skipped = parsed([body.encode()])

    assert [event.fields["text"] for event in events] == wanted
    assert skipped == 0


def test_ping_without_data_is_an_event() -> None:
    assert parsed([b"event: ping\n\n"]) == ([StreamEvent("ping")], 0)


def test_several_events_come_from_one_chunk_and_at_once() -> None:
    parser = EventParser()

    events = parser.feed(b'event: ping\n\ndata: {"event":"a"}\n\ndata: {"event":"b"}\n\ndata: {"ev')

    assert [event.event for event in events] == ["ping", "a", "b"]
    assert [event.event for event in parser.feed(b'ent":"c"}\n\n')] == ["c"]


def test_last_frame_may_lack_its_blank_line_but_not_its_end() -> None:
    assert [event.event for event in parsed([b'data: {"event":"last"}'])[0]] == ["last"]
    assert parsed([b'data: {"event":"workflow_finished","data":{']) == ([], 1)


def test_broken_frames_are_counted_and_the_next_is_read() -> None:
    events, skipped = parsed([b'data: {nope\n\ndata: 7\n\ndata: {"no_event":1}\n\ndata: {"event":"ok"}\n\n'])

    assert [event.event for event in events] == ["ok"]
    assert skipped == 3


def test_a_frame_of_megabytes_in_small_chunks() -> None:
    text = "中" * (3 * 1024 * 1024)
    body = f"data: {json.dumps({'event': 'node_finished', 'data': {'outputs': text}}, ensure_ascii=False)}\n\n".encode()
    chunks = [body[i : i + 1000] for i in range(0, len(body), 1000)]

    events, _ = parsed(chunks, largest=64 << 20)

    assert len(body) > 9_000_000
    assert [event.data["outputs"] for event in events] == [text]


def test_each_byte_is_scanned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of an unfinished line is never joined or searched again while chunks come in."""
    parser = EventParser()
    parser.feed(b"data: ")
    kept = parser._line

    for _ in range(1000):
        assert parser.feed(b"x" * 100) == []

    assert [len(piece) for piece in kept] == [6] + [100] * 1000


def test_a_frame_over_the_limit_is_skipped_and_not_kept() -> None:
    parser = EventParser(largest_frame=1000)

    for _ in range(100):
        parser.feed(b"data: " + b"x" * 100)
        assert sum(map(len, parser._line)) <= 1000
    events = parser.feed(b'\n\ndata: {"event":"next"}\n\n')

    assert [event.event for event in events] == ["next"]
    assert parser.skipped == 1


@pytest.mark.parametrize(
    ("name", "number", "wanted"),
    [
        ("02-", 0, ["ping", "workflow_started", *["node_started", "node_finished"] * 1]),
        ("13-", 0, ["ping"]),
        ("47-", 1, ["ping", "error"]),
    ],
)
def test_recorded_streams_begin_as_recorded(name: str, number: int, wanted: list[str]) -> None:
    events, skipped = parsed([exchanges(name)[number].body])

    assert [event.event for event in events][: len(wanted)] == wanted
    assert skipped == 0


def test_recorded_slow_stream_has_its_pings() -> None:
    events, _ = parsed([exchanges("02b")[0].body])

    assert [event.event for event in events] == [
        "ping",
        "workflow_started",
        "node_started",
        "node_finished",
        "node_started",
        "ping",
        "ping",
        "text_chunk",
        "node_finished",
        "node_started",
        "node_finished",
        "workflow_finished",
    ]
