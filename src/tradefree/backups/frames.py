"""The file's outside: a header that anybody may read, then frames up to one that is marked as the last.

    tradefree backup 1 SHA-256-OF-THE-NEXT-LINE
    {"id": …, "made_at": …, "schema": …, "encryption": null}
    frame: 4 bytes (the highest bit: the last frame; the others: length of what follows) · content with its seal

Whatever is missing, changed, moved or added, ``read_frames`` ends in BackupDamaged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import orjson

from tradefree.backups.sealing import Checksum, Lock, Seal, unlock
from tradefree.errors import BackupDamaged, InvalidInput

FORMAT = 1
FRAME = 256 * 1024
"""Bytes of content in a full frame."""
_FIRST = re.compile(rb"tradefree backup (\d{1,6}) ([0-9a-f]{64})\n")
_FIRST_BYTES = 128
_HEADER_BYTES = 16 * 1024
_FINAL = 1 << 31


class Sink(Protocol):
    """Where a backup is written to."""

    def write(self, content: memoryview, /) -> int | None: ...

    def flush(self) -> None: ...


class FrameWriter:
    """Takes bytes of any number and writes frames."""

    def __init__(self, sink: Sink, facts: dict[str, Any], passphrase: str | None) -> None:
        lock = Lock(passphrase) if passphrase is not None else None
        header = orjson.dumps({**facts, "encryption": lock.facts if lock else None}) + b"\n"
        self._seal: Seal = lock.seal(header) if lock else Checksum(header)
        self._sink = sink
        self._index = 0
        self._held = bytearray()
        self._write(b"tradefree backup %d %s\n" % (FORMAT, hashlib.sha256(header).hexdigest().encode()) + header)

    def write(self, content: bytes) -> None:
        """Some more content."""
        self._held += content
        while len(self._held) > FRAME:
            self._frame(bytes(self._held[:FRAME]), final=False)
            del self._held[:FRAME]

    def finish(self) -> None:
        """The last frame."""
        self._frame(bytes(self._held), final=True)
        self._held.clear()
        self._sink.flush()

    def _frame(self, content: bytes, *, final: bool) -> None:
        body = self._seal.close(self._index, final, content)
        self._index += 1
        self._write((len(body) | (_FINAL if final else 0)).to_bytes(4, "big") + body)

    def _write(self, content: bytes) -> None:
        """All of it: a raw file or pipe may take less at a time."""
        view = memoryview(content)
        while view:
            view = view[self._sink.write(view) or 0 :]


def read_header(source: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What the header says, and its bytes. InvalidInput if it is no backup, or one that this version cannot read."""
    first = source.readline(_FIRST_BYTES)
    found = _FIRST.fullmatch(first)
    if found is None:
        raise InvalidInput("it is no backup made by tradefree, or its beginning is damaged")
    if int(found[1]) != FORMAT:
        raise InvalidInput(
            f"its format is {int(found[1])}, this version of tradefree reads {FORMAT}: upgrade tradefree"
        )
    header = source.readline(_HEADER_BYTES)
    if hashlib.sha256(header).hexdigest().encode() != found[2]:
        raise BackupDamaged("it is damaged: the header is not what was written")
    facts: dict[str, Any] = orjson.loads(header)
    return facts, header


def read_frames(source: BinaryIO, facts: dict[str, Any], header: bytes, passphrase: str | None) -> Iterator[bytes]:
    """The content, frame by frame. Raises BackupDamaged where the file is not what was written."""
    encryption = facts.get("encryption")
    seal = unlock(encryption, passphrase, header) if encryption else Checksum(header)
    index, final = 0, False
    while not final:
        size = int.from_bytes(_exactly(source, 4, index), "big")
        final, length = bool(size & _FINAL), size & ~_FINAL
        if not seal.overhead <= length <= FRAME + seal.overhead:
            raise BackupDamaged(f"it is damaged: frame {index} cannot be {length} bytes long")
        try:
            content = seal.open(index, final, _exactly(source, length, index))
        except ValueError:
            raise BackupDamaged(f"it is damaged: frame {index} is not what was written") from None
        index += 1
        yield content
    if source.read(1):
        raise BackupDamaged("it is damaged: something follows its end")


def _exactly(source: BinaryIO, number: int, index: int) -> bytes:
    parts: list[bytes] = []
    while number:
        part = source.read(number)
        if not part:
            raise BackupDamaged(f"it is not whole: it ends in frame {index}")
        parts.append(part)
        number -= len(part)
    return b"".join(parts)
