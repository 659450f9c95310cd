"""Where backups lie: names by their time, no half file under a final name, no file overwritten, old ones removed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tradefree.errors import InvalidInput

_NAME = re.compile(r"tradefree-\d{8}T\d{6}Z\.tfb")
_PART = re.compile(r"\.tradefree-\d{8}T\d{6}Z\.tfb\.part")
FORGOTTEN = 86_400.0
"""Seconds after which an unfinished file is taken for that of a process that was killed."""


def name_at(moment: datetime) -> str:
    """The name of a backup made at this moment: in the order of names, the newest is the last."""
    return f"tradefree-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.tfb"


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """A file to write, for its owner alone. It gets its name when all of it is on disk, and does not stay if the body
    raises. InvalidInput if there is a file of that name, or no such folder."""
    if not file.parent.is_dir():
        raise InvalidInput(f"there is no folder {file.parent}", field="FILE")
    _refuse(file)
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            with open(descriptor, "wb") as sink:
                yield sink
                sink.flush()
                os.fsync(sink.fileno())
            _name(part, file)
        except OSError as error:
            raise _about(error, file) from error
    finally:
        part.unlink(missing_ok=True)


def _refuse(file: Path) -> None:
    if file.exists():
        raise InvalidInput(f"{file} is there already: choose another name, or move it away", field="FILE")


def _name(part: Path, file: Path) -> None:
    """Give the file its name, unless another has taken it meanwhile."""
    try:
        os.link(part, file)
    except FileExistsError:
        _refuse(file)
    except OSError:  # this file system has no hard links
        _refuse(file)
        part.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot do it for folders
            os.fsync(folder)
    finally:
        os.close(folder)


def _about(error: OSError, file: Path) -> OSError:
    """The error, naming the file and saying what became of it."""
    said = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        said += "; nothing was left behind. Make room, or name a file on another disk"
    return OSError(error.errno, said, str(file))


def backups_in(folder: Path) -> list[Path]:
    """The backups in a folder that were named by their time, newest first."""
    return sorted((file for file in folder.iterdir() if _NAME.fullmatch(file.name)), reverse=True)


def remove_old(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest, and what killed processes left; those that were removed."""
    old = backups_in(folder)[keep:]
    forgotten = time.time() - FORGOTTEN
    old += [file for file in folder.iterdir() if _PART.fullmatch(file.name) and file.stat().st_mtime < forgotten]
    for file in old:
        file.unlink(missing_ok=True)
    return old
