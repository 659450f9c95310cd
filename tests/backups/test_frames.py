"""The file: whatever is changed, missing, moved or added is found; a wrong passphrase is told from damage."""

from __future__ import annotations

import io
import random
from typing import Any

import orjson
import pytest

from tradefree.backups import frames, sealing
from tradefree.backups.frames import FRAME, FrameWriter, read_frames, read_header
from tradefree.errors import BackupDamaged, InvalidInput, SettingsError, TradefreeError

SECRET = "correct horse battery"
FACTS = {"id": "1", "schema": "0001"}
CHEAP = {"n": 2, "r": 1, "p": 1}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "COST", CHEAP)


@pytest.fixture(params=[None, SECRET], ids=["plain", "encrypted"])
def passphrase(request: pytest.FixtureRequest) -> str | None:
    value: str | None = request.param
    return value


def written(content: bytes, passphrase: str | None) -> bytes:
    sink = io.BytesIO()
    writer = FrameWriter(sink, FACTS, passphrase)
    writer.write(content)
    writer.finish()
    return sink.getvalue()


def read(file: bytes, passphrase: str | None) -> bytes:
    source = io.BytesIO(file)
    facts, header = read_header(source)
    return b"".join(read_frames(source, facts, header, passphrase))


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME + 5])
def test_what_was_written_is_read(size: int, passphrase: str | None) -> None:
    content = random.Random(size).randbytes(size)
    assert read(written(content, passphrase), passphrase) == content


def test_every_flipped_byte_is_found(passphrase: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME", 16)
    file = written(b"some content of more than two frames", passphrase)
    for place in range(len(file)):
        for mask in (0x01, 0x80, 0xFF):
            broken = bytearray(file)
            broken[place] ^= mask
            with pytest.raises(TradefreeError):
                read(bytes(broken), passphrase)


def test_every_truncation_and_addition_is_found(passphrase: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME", 16)
    file = written(b"some content of more than two frames", passphrase)
    for end in range(len(file)):
        with pytest.raises(TradefreeError):
            read(file[:end], passphrase)
    with pytest.raises(BackupDamaged, match="follows its end"):
        read(file + b"\0", passphrase)
    with pytest.raises(BackupDamaged, match="follows its end"):
        read(file + file, passphrase)


def bodies(file: bytes) -> tuple[bytes, list[bytes]]:
    """The header, and the frames with their lengths."""
    source = io.BytesIO(file)
    source.readline(), source.readline()
    start, found = source.tell(), []
    while size := source.read(4):
        found.append(size + source.read(int.from_bytes(size, "big") & ~(1 << 31)))
    return file[:start], found


def test_frames_that_change_places_are_found(passphrase: str | None) -> None:
    head, (first, second, last) = bodies(written(bytes(FRAME) + bytes(FRAME) + b"x", passphrase))
    for wrong in ([second, first, last], [first, last], [first, first, last], [first, second, first, last]):
        with pytest.raises(BackupDamaged, match="is not what was written"):
            read(head + b"".join(wrong), passphrase)


def test_a_frame_of_another_file_is_found(passphrase: str | None) -> None:
    head, _ = bodies(written(b"mine", passphrase))
    sink = io.BytesIO()
    other = FrameWriter(sink, {**FACTS, "id": "2"}, passphrase)
    other.finish()
    _, theirs = bodies(sink.getvalue())
    with pytest.raises(BackupDamaged):
        read(head + b"".join(theirs), passphrase)


def test_the_content_is_hidden_and_the_key_is_of_one_file() -> None:
    first, second = (written(b"canary " * 10, SECRET) for _ in range(2))
    assert b"canary" not in first
    assert SECRET.encode() not in first
    assert bodies(first)[1] != bodies(second)[1]


def test_a_wrong_passphrase_is_said_to_be_one() -> None:
    file = written(b"x", SECRET)
    with pytest.raises(SettingsError, match=r"TRADEFREE_BACKUP_PASSPHRASE: is not the passphrase"):
        read(file, "another one")
    with pytest.raises(SettingsError, match="is encrypted; set the passphrase"):
        read(file, None)
    assert read(written(b"x", None), "not needed") == b"x"


@pytest.mark.parametrize(
    "cost",
    [{"n": 1 << 30}, {"n": 3}, {"n": 0}, {"r": 10_000}, {"p": 0}, {"n": "many"}, {"salt": "zz"}, {"check": None}],
)
def test_a_header_cannot_ask_for_what_nobody_has(cost: dict[str, Any]) -> None:
    lock = sealing.Lock(SECRET)
    with pytest.raises(BackupDamaged, match="the header"):
        sealing.unlock(lock.facts | cost, SECRET, b"")


def test_other_files_and_later_formats_are_said_to_be_so() -> None:
    for file in (b"", b"SQLite format 3\0", b"\x1f\x8b" + bytes(200), b"x" * 1000):
        with pytest.raises(InvalidInput, match="no backup"):
            read(file, None)
    later = written(b"x", None).replace(b"backup 1 ", b"backup 2 ", 1)
    with pytest.raises(InvalidInput, match=r"its format is 2.*upgrade tradefree"):
        read(later, None)


def test_the_real_cost_is_what_is_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert sealing.COST == {"n": 1 << 17, "r": 8, "p": 1}
    lock = sealing.Lock(SECRET)
    assert sealing.unlock(lock.facts, SECRET, b"").open(0, True, lock.seal(b"").close(0, True, b"x")) == b"x"


def test_the_header_is_for_everybody() -> None:
    facts, _ = read_header(io.BytesIO(written(b"x", SECRET)))
    assert facts["id"] == "1"
    assert set(orjson.loads(orjson.dumps(facts["encryption"]))) == {"cipher", "kdf", "n", "r", "p", "salt", "check"}
