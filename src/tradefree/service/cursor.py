"""Cursors: the id of the last task of a page, in a form that nobody is tempted to build by hand."""

from __future__ import annotations

import base64
import binascii
import re
import uuid

from tradefree.service.refusals import BadParameter

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VERSION = b"\x01"


def is_id(text: str) -> bool:
    """True if the text has the form of an id; anything else is not looked up."""
    return _ID.fullmatch(text) is not None


def encode(task_id: str) -> str:
    """The cursor to read on below this task."""
    return base64.urlsafe_b64encode(_VERSION + uuid.UUID(task_id).bytes).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The task id in a cursor; BadParameter if it is not one of ours."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 17 or not raw.startswith(_VERSION):
        raise BadParameter("not a cursor that this service gave out; leave it out to begin anew", field="cursor")
    return str(uuid.UUID(bytes=raw[1:]))
