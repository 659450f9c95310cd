"""Server-sent events from bytes, as Dify writes them. Pure: bytes in, events out.

Follows the WHATWG rules for ``text/event-stream`` with two differences that Dify 1.14.2 asks for: a frame without
data is an event too (its ping is a bare ``event: ping``), and the event's name is in the JSON.
"""

from __future__ import annotations

import orjson

from tradefree.dify.models import StreamEvent

LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes. Dify sends the whole inputs and outputs of a node in one frame; a larger frame is skipped, not kept."""

_BOM = b"\xef\xbb\xbf"


class EventParser:
    """Turns the chunks of one response body into events.

    Chunks may end anywhere: inside a character, inside a CRLF. Every byte is looked at once, however large a frame is.
    What is not an event (broken JSON, unknown fields) is skipped and counted in ``skipped``.
    """

    def __init__(self, largest_frame: int = LARGEST_FRAME) -> None:
        self.skipped = 0
        self._largest = largest_frame
        self._start = b""
        self._started = False
        self._line: list[bytes] = []
        self._line_is_blank = True
        self._after_cr = False
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that this chunk completes."""
        if not self._started:
            chunk = self._past_bom(chunk)
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = False if not chunk else chunk.endswith(b"\r")
        events = []
        for piece in chunk.splitlines(keepends=True):
            if not piece.endswith((b"\n", b"\r")):
                self._keep(piece)
            elif (event := self._end_line(piece.rstrip(b"\r\n"))) is not None:
                events.append(event)
        return events

    def finish(self) -> list[StreamEvent]:
        """The event that lacks only its blank line when the body ends. Cut-off JSON never counts as one."""
        last = (self._end_line(b""), self._end_line(b""))
        return [event for event in last if event is not None]

    def _past_bom(self, chunk: bytes) -> bytes:
        self._start += chunk
        if len(self._start) < len(_BOM) and _BOM.startswith(self._start):
            return b""
        self._started = True
        chunk, self._start = self._start.removeprefix(_BOM), b""
        return chunk

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._line_is_blank = False
        self._size += len(piece)
        if self._size > self._largest:
            self._line.clear()
            self._data.clear()
        else:
            self._line.append(piece)

    def _end_line(self, piece: bytes) -> StreamEvent | None:
        self._keep(piece)
        if self._line_is_blank:
            return self._dispatch()
        line = b"".join(self._line)
        self._line.clear()
        self._line_is_blank = True
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value
        return None

    def _dispatch(self) -> StreamEvent | None:
        name, data, size = self._name, b"\n".join(self._data), self._size
        self._name, self._size = b"", 0
        self._data.clear()
        if size > self._largest:
            self.skipped += 1
            return None
        if not data:
            return StreamEvent(name.decode("utf-8", "replace")) if name else None
        return self._parse(data)

    def _parse(self, data: bytes) -> StreamEvent | None:
        try:
            fields = orjson.loads(data)
        except orjson.JSONDecodeError:
            fields = None
        if isinstance(fields, dict) and isinstance(fields.get("event"), str):
            return StreamEvent(fields["event"], fields)
        self.skipped += 1
        return None
