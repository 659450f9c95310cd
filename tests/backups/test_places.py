"""Files: never half under a final name, never over another; old ones go, and only our own."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradefree.backups.places import FORGOTTEN, backups_in, name_at, new_file, remove_old
from tradefree.errors import InvalidInput


def test_a_file_is_its_owners_and_has_its_name_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "x.tfb"
    with new_file(file) as sink:
        sink.write(b"hello")
        assert not file.exists()
    assert file.read_bytes() == b"hello"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path, error: BaseException) -> None:
    def write() -> None:
        with new_file(tmp_path / "x.tfb") as sink:
            sink.write(b"hello")
            raise error

    with pytest.raises(type(error)) as caught:
        write()
    assert list(tmp_path.iterdir()) == []
    if isinstance(error, OSError):
        assert "No space left on device; nothing was left behind" in str(caught.value)
        assert str(tmp_path / "x.tfb") in str(caught.value)


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "x.tfb"
    file.write_text("mine")
    with pytest.raises(InvalidInput, match=r"FILE: .*x\.tfb is there already"), new_file(file):
        pass
    file.unlink()

    def late() -> None:
        with new_file(file) as sink:
            sink.write(b"late")
            file.write_text("mine")  # somebody is quicker

    with pytest.raises(InvalidInput, match="is there already"):
        late()
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("tradefree.backups.places.os.link", link)
    with new_file(tmp_path / "x.tfb") as sink:
        sink.write(b"hello")
    assert (tmp_path / "x.tfb").read_bytes() == b"hello"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"FILE: there is no folder .*nope"), new_file(tmp_path / "nope" / "x.tfb"):
        pass


def test_old_ones_go_and_what_killed_processes_left(tmp_path: Path) -> None:
    names = [name_at(datetime(2026, 1, day, tzinfo=UTC)) for day in range(1, 6)]
    forgotten, fresh = (f".{name_at(datetime(2026, 1, day, tzinfo=UTC))}.part" for day in (7, 8))
    others = ["notes.txt", "before-upgrade.tfb", "tradefree-20260101T000000Z.tfb.bak", ".x.part"]
    for name in (*names, forgotten, fresh, *others):
        (tmp_path / name).touch()
    old = (tmp_path / fresh).stat().st_mtime - FORGOTTEN - 60
    for name in (forgotten, ".x.part"):
        os.utime(tmp_path / name, (old, old))
    removed = {file.name for file in remove_old(tmp_path, 2)}
    assert removed == {*names[:3], forgotten}
    assert {file.name for file in tmp_path.iterdir()} == {*names[3:], fresh, *others}
    assert [file.name for file in backups_in(tmp_path)] == [names[4], names[3]]
