"""Identifiers: UUIDv7 strings, so that rows arrive in the order of their primary key (RFC 9562 §5.7)."""

from __future__ import annotations

import hashlib

import uuid_utils


def new_id() -> str:
    """A fresh, time-ordered id of 36 ASCII characters."""
    return str(uuid_utils.uuid7())


def digest(text: str) -> str:
    """SHA-256 of the text's UTF-8, 64 hex characters. Keys that people choose are matched by this."""
    return hashlib.sha256(text.encode()).hexdigest()
