"""Identifiers: UUIDv7 strings, so that rows arrive in the order of their primary key (RFC 9562 §5.7)."""

from __future__ import annotations

import hashlib
import secrets
import threading
from datetime import datetime

import uuid_utils

_SEQUENCE_BITS, _RANDOM_BITS = 26, 48


def new_id() -> str:
    """A fresh, time-ordered id of 36 ASCII characters."""
    return str(uuid_utils.uuid7())


class _Sequence:
    """Keeps the ids of one process in order within a millisecond (RFC 9562 §6.2, method 1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moment = -1
        self._next = 0

    def number(self, moment: int) -> int:
        """One more than the last of this millisecond; the first is random, with room for 33 million after it."""
        with self._lock:
            self._next = self._next + 1 if moment == self._moment else secrets.randbits(_SEQUENCE_BITS - 1)
            self._moment = moment
            return self._next


_sequence = _Sequence()


def new_id_at(moment: datetime) -> str:
    """A fresh id that carries this moment, so that what was made between two moments has ids between two bounds."""
    milliseconds = _milliseconds(moment)
    tail = _sequence.number(milliseconds) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return _formatted(milliseconds, tail)


def first_id_at(moment: datetime) -> str:
    """The lowest id that ``new_id_at`` could give in this moment's millisecond."""
    return _formatted(_milliseconds(moment), 0)


def _milliseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000))


def _formatted(milliseconds: int, tail: int) -> str:
    """The text form of an id: 48 bits of time, the version 7, 12 bits, the variant, 62 bits."""
    high, low = tail >> 62, tail & (1 << 62) - 1
    text = f"{milliseconds:012x}7{high & 0xFFF:03x}{low | 1 << 63:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def digest(text: str) -> str:
    """SHA-256 of the text's UTF-8, 64 hex characters. Keys that people choose are matched by this."""
    return hashlib.sha256(text.encode()).hexdigest()
