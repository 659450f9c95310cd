"""The file's inside: gzip of JSON lines. For each table a line that describes it and one for each row; at the end a
manifest with the number of rows and the SHA-256 of the lines of each table.

    {"table": "tasks", "columns": ["id", …], "key": ["id"]}
    ["0199…", "summarize-order", …]
    …
    {"manifest": {"tasks": {"rows": 2, "sha256": …}, …}}
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from tradefree.backups.frames import FrameWriter, Sink, read_frames, read_header
from tradefree.backups.layout import Layout
from tradefree.errors import BackupDamaged

LEVEL = 3
"""Of zlib: rows shrink to a fifth; level 6 saves a tenth more and takes nearly three times as long (measured)."""
_PIECE = 1 << 20
"""Bytes that are unpacked at once."""
BATCH = 1_000_000
"""Bytes of rows that a reader hands over together."""
BATCH_ROWS = 1000
_GZIP = 31


@dataclass(slots=True)
class Sum:
    """What a table's rows come to."""

    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, lines: Sequence[bytes]) -> bytes:
        """Count these rows; their text."""
        text = b"\n".join(lines) + b"\n"
        self.rows += len(lines)
        self._digest.update(text)
        return text

    def document(self) -> dict[str, Any]:
        return {"rows": self.rows, "sha256": self._digest.hexdigest()}


Manifest = dict[str, dict[str, Any]]
"""For each table, ``rows`` and ``sha256``."""


class ArchiveWriter:
    """Writes one backup. Nothing is valid until ``finish``."""

    def __init__(self, sink: Sink, facts: dict[str, Any], passphrase: str | None) -> None:
        self._frames = FrameWriter(sink, facts, passphrase)
        self._packer = zlib.compressobj(LEVEL, wbits=_GZIP)
        self._sums: dict[str, Sum] = {}

    def table(self, layout: Layout) -> None:
        """A table begins."""
        self._sums[layout.table] = Sum()
        self._pack(orjson.dumps(layout.document()) + b"\n")

    def rows(self, layout: Layout, lines: Sequence[bytes]) -> None:
        """Some of its rows, each a JSON array."""
        if lines:
            self._pack(self._sums[layout.table].add(lines))

    def finish(self) -> Manifest:
        """The manifest, which is written at the end."""
        manifest = {table: total.document() for table, total in self._sums.items()}
        self._pack(orjson.dumps({"manifest": manifest}) + b"\n")
        self._frames.write(self._packer.flush())
        self._frames.finish()
        return manifest

    def _pack(self, text: bytes) -> None:
        self._frames.write(self._packer.compress(text))


@dataclass(slots=True)
class Rows:
    """Rows of one table, as lines of JSON; none: the table begins."""

    layout: Layout
    lines: list[bytes]


class ArchiveReader:
    """Reads one backup, from its beginning to its end, once."""

    def __init__(self, source: BinaryIO, passphrase: str | None = None) -> None:
        self.passphrase = passphrase
        """Wanted before the first row if it is encrypted."""
        self._source = source
        self.facts, self._header = read_header(source)
        self.manifest: Manifest = {}
        """Known once all rows were read."""

    @property
    def encrypted(self) -> bool:
        return bool(self.facts.get("encryption"))

    @property
    def schema(self) -> str:
        """The revision of the database it was made of."""
        return str(self.facts.get("schema"))

    def rows(self) -> Iterator[Rows]:
        """All rows, some at a time. BackupDamaged if anything is not as it was written; the end decides."""
        sums: dict[str, Sum] = {}
        layout: Layout | None = None
        for lines in _batches(self._lines()):
            if lines[0].startswith(b"["):
                if layout is None:
                    raise BackupDamaged("it is damaged: rows of no table")
                sums[layout.table].add(lines)
                yield Rows(layout, lines)
                continue
            document = _parsed(lines[0])
            if "manifest" in document:
                self.manifest = document["manifest"]
                continue
            layout = Layout.parsed(document)
            sums[layout.table] = Sum()
            yield Rows(layout, [])
        if self.manifest != {table: total.document() for table, total in sums.items()}:
            raise BackupDamaged("it is damaged: the manifest does not fit the rows")

    def _lines(self) -> Iterator[bytes]:
        """The lines, without what ends them."""
        rest: list[bytes] = []
        for piece in self._pieces():
            *whole, last = piece.split(b"\n")
            if whole:
                yield b"".join((*rest, whole[0]))
                yield from whole[1:]
                rest = []
            rest.append(last)
        if any(rest):
            raise BackupDamaged("it is damaged: the last line has no end")

    def _pieces(self) -> Iterator[bytes]:
        """What was packed, in pieces of a bounded size whatever it was packed to."""
        unpacker = zlib.decompressobj(wbits=_GZIP)
        try:
            for content in read_frames(self._source, self.facts, self._header, self.passphrase):
                while content:
                    if unpacker.eof:
                        raise BackupDamaged("it is damaged: something follows what was packed")
                    yield unpacker.decompress(content, _PIECE)
                    content = unpacker.unconsumed_tail or unpacker.unused_data
        except zlib.error as error:
            raise BackupDamaged(f"it is damaged: it cannot be unpacked ({error})") from None
        while not unpacker.eof and (more := unpacker.decompress(b"", _PIECE)):
            yield more
        if not unpacker.eof:
            raise BackupDamaged("it is not whole: what was packed has no end")


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Rows together, up to a number and a size; any other line by itself."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        is_row = line.startswith(b"[")
        if held and (not is_row or size + len(line) > BATCH or len(held) == BATCH_ROWS):
            yield held
            held, size = [], 0
        if is_row:
            held.append(line)
            size += len(line)
        else:
            yield [line]
    if held:
        yield held


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BackupDamaged("it is damaged: a line is no JSON") from None
    if not isinstance(document, dict):
        raise BackupDamaged("it is damaged: a line is neither table nor row")
    return document
