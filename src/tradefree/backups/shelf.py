"""The shelf: tasks that retention deletes, as gzip of JSON lines, one file for each day on which they were put there.

Each batch is a gzip member of its own (RFC 1952 §2.2: members may follow one another), on disk before its tasks are
deleted. A process that dies while it writes leaves half a member; the next one cuts that off, and puts the same tasks
there again, for they were not deleted.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

import orjson

from tradefree.clock import Clock

_PIECE = 1 << 20
"""Bytes read at once."""


class FolderShelf:
    """Files ``tasks-20260131.jsonl.gz`` in a folder, for their owner alone."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._sound: Path | None = None
        """The file whose end is known to be whole."""

    def put(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """See ``tasks.retention.Shelf``."""
        path = self._folder / f"tasks-{self._clock.now():%Y%m%d}.jsonl.gz"
        member = gzip.compress(b"".join(orjson.dumps(document) + b"\n" for document in documents), 6, mtime=0)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            if self._sound != path:
                file.truncate(whole_bytes(file))
            end = file.seek(0, os.SEEK_END)
            try:
                _append(file, member)
            except OSError as error:
                file.truncate(end)
                raise OSError(error.errno, error.strerror, str(path)) from error
            self._sound = path


def _append(file: RawIOBase, content: bytes) -> None:
    """All of it, on disk: a raw file may take less at a time."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) or 0 :]
    os.fsync(file.fileno())


def whole_bytes(file: RawIOBase) -> int:
    """How many bytes from the beginning are whole members."""
    whole = place = 0
    unpacker = zlib.decompressobj(wbits=31)
    file.seek(0)
    while content := file.read(_PIECE):
        while content:
            try:
                unpacker.decompress(content)
            except zlib.error:
                return whole
            place += len(content) - len(unpacker.unused_data)
            content = unpacker.unused_data
            if unpacker.eof:
                whole = place
                unpacker = zlib.decompressobj(wbits=31)
    return whole
