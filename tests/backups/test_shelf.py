"""Tasks that were put aside can be read by everybody, whoever died meanwhile."""

from __future__ import annotations

import gzip
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tradefree.backups import shelf as shelves
from tradefree.backups.shelf import FolderShelf
from tradefree.testing.clock import FrozenClock

CLOCK = FrozenClock(datetime(2026, 1, 31, 12, tzinfo=UTC))
FILE = "tasks-20260131.jsonl.gz"


def read(file: Path) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def test_every_batch_is_added(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path, CLOCK)
    shelf.put([{"id": "1", "at": CLOCK.now()}, {"id": "2", "text": "你好\n"}])
    shelf.put([{"id": "3"}])
    assert [document["id"] for document in read(tmp_path / FILE)] == ["1", "2", "3"]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_each_day_has_its_file(tmp_path: Path) -> None:
    clock = FrozenClock(CLOCK.now())
    shelf = FolderShelf(tmp_path, clock)
    shelf.put([{"id": "1"}])
    clock.advance(timedelta(days=1).total_seconds())
    shelf.put([{"id": "2"}])
    assert sorted(file.name for file in tmp_path.iterdir()) == [FILE, "tasks-20260201.jsonl.gz"]


@pytest.mark.parametrize("left", [1, 10, 25])
def test_half_a_batch_of_a_process_that_died_is_cut_off(tmp_path: Path, left: int) -> None:
    file = tmp_path / FILE
    FolderShelf(tmp_path, CLOCK).put([{"id": "1"}])
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:left])
    FolderShelf(tmp_path, CLOCK).put([{"id": "2"}])
    assert [document["id"] for document in read(file)] == ["1", "2"]


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = FolderShelf(tmp_path, CLOCK)
    shelf.put([{"id": "1"}])

    def full(file: Any, content: bytes) -> None:
        file.write(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelves, "_append", full)
    with pytest.raises(OSError, match="No space left") as caught:
        shelf.put([{"id": "2"}])
    assert caught.value.filename == str(tmp_path / FILE)
    monkeypatch.undo()
    shelf.put([{"id": "3"}])
    assert [document["id"] for document in read(tmp_path / FILE)] == ["1", "3"]
