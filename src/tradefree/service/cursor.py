"""Cursors: the id of the last thing on a page, in a form that nobody is tempted to build by hand."""

from __future__ import annotations

import base64
import binascii
import re
import uuid

from tradefree.limits.rates import micros_of, moment_of
from tradefree.service.refusals import BadParameter
from tradefree.tasks.ports import Place, TaskFilter

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VERSION = b"\x01"
_NUMBER = b"\x02"
_END = b"\x03"
_FOREIGN = "not a cursor that this service gave out; leave it out to begin anew"


def is_id(text: str) -> bool:
    """True if the text has the form of an id; anything else is not looked up."""
    return _ID.fullmatch(text) is not None


def encode(task_id: str) -> str:
    """The cursor to read on below this task."""
    return _written(_VERSION, uuid.UUID(task_id).bytes)


def encode_place(place: Place) -> str:
    """The cursor to read on below this place of a list of tasks."""
    if place.finished_at is None:
        return encode(place.id)
    return _written(_END, uuid.UUID(place.id).bytes + micros_of(place.finished_at).to_bytes(8, "big"))


def decode_place(cursor: str | None, wanted: TaskFilter) -> Place | None:
    """The place in a cursor; BadParameter if it is not one of ours, or of a list in another order."""
    if cursor is None:
        return None
    if not wanted.by_end:
        return Place(decode(cursor))
    raw = _content(cursor, _END, 24)
    try:
        return Place(str(uuid.UUID(bytes=raw[:16])), moment_of(int.from_bytes(raw[16:], "big")))
    except OverflowError:
        raise BadParameter(_FOREIGN, field="cursor") from None


def encode_number(number: int) -> str:
    """The cursor to read on behind the log line of this id."""
    return _written(_NUMBER, number.to_bytes(8, "big"))


def decode_number(cursor: str) -> int:
    """The id of a log line in a cursor; BadParameter if it is not one of ours."""
    number = int.from_bytes(_content(cursor, _NUMBER, 8), "big")
    if number >= 2**63:
        raise BadParameter(_FOREIGN, field="cursor")
    return number


def decode(cursor: str) -> str:
    """The task id in a cursor; BadParameter if it is not one of ours."""
    return str(uuid.UUID(bytes=_content(cursor, _VERSION, 16)))


def _written(version: bytes, content: bytes) -> str:
    return base64.urlsafe_b64encode(version + content).decode().rstrip("=")


def _content(cursor: str, version: bytes, length: int) -> bytes:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 1 + length or not raw.startswith(version):
        raise BadParameter(_FOREIGN, field="cursor")
    return raw[1:]
