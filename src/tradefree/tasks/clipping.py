"""Results that are larger than the limit: their beginning is kept, with the size and the hash of the whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

KEY = "$clipped"
"""The only key of the object that stands for a clipped result."""


@dataclass(frozen=True, slots=True)
class Clipped:
    """What a clipped result says of the whole: bytes of its JSON, their SHA-256 in hex."""

    bytes: int
    sha256: str

    @property
    def words(self) -> str:
        return f"The result has {self.bytes} bytes and is stored clipped (sha256 {self.sha256})."


def clip(whole: bytes, limit: int) -> tuple[dict[str, Any], Clipped]:
    """What is stored instead of the JSON text ``whole``: as much of its beginning as fits ``limit`` bytes of JSON.

    ``limit`` must have room for size and hash, some 200 bytes.
    """
    what = Clipped(len(whole), hashlib.sha256(whole).hexdigest())
    kept = limit
    while True:
        beginning = whole[:kept].decode(errors="ignore")
        stored = {KEY: {"bytes": what.bytes, "sha256": what.sha256, "beginning": beginning}}
        over = len(orjson.dumps(stored)) - limit
        if over <= 0 or not kept:
            return stored, what
        kept = min(kept * limit // (limit + over), kept - 1)


def clipped(output: Any) -> Clipped | None:
    """What a stored result says of its whole; None if it is whole itself."""
    match output:
        case {"$clipped": {"bytes": int(size), "sha256": str(digest), "beginning": str()}} if len(output) == 1:
            return Clipped(size, digest)
    return None
