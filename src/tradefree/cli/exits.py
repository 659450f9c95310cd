"""How the command line ends: exit codes, and the one sentence on stderr. A test compares docs/cli.md with this."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import IntEnum

import typer

from tradefree.cli.words import clean
from tradefree.errors import (
    BackupDamaged,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Refused,
    ServiceUnavailable,
    SettingsError,
    StorageRefused,
    StorageUnavailable,
    TradefreeError,
    Unauthorized,
)


class ExitCode(IntEnum):
    """What a script can rely on."""

    OK = 0
    UNHAPPY = 1
    """A task that was waited for failed or was cancelled, or what was checked (`doctor`, a backup) is not right."""
    USAGE = 2
    """The command, a file or a setting is wrong."""
    UNAVAILABLE = 3
    """The service, the database or the disk cannot do it now; try again later."""
    REFUSED = 4
    """The service said no (4xx)."""
    NOT_FOUND = 5
    BUG = 70
    """Something that must not happen; the traceback is for a bug report (sysexits.h: EX_SOFTWARE)."""
    INTERRUPTED = 130
    """Ctrl-C (128 + SIGINT)."""
    NO_READER = 141
    """Whoever read the output went away, as in `… | head` (128 + SIGPIPE)."""


_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (ServiceUnavailable, ExitCode.UNAVAILABLE),
    (BackupDamaged, ExitCode.UNHAPPY),
    (StorageRefused, ExitCode.USAGE),
    (StorageUnavailable, ExitCode.UNAVAILABLE),
    (NotFound, ExitCode.NOT_FOUND),
    (InvalidInput, ExitCode.USAGE),
    (SettingsError, ExitCode.USAGE),
    (Refused, ExitCode.REFUSED),
    (Conflict, ExitCode.REFUSED),
    (Unauthorized, ExitCode.REFUSED),
    (Forbidden, ExitCode.REFUSED),
    (TradefreeError, ExitCode.USAGE),
    (FileNotFoundError, ExitCode.USAGE),
    (IsADirectoryError, ExitCode.USAGE),
    (NotADirectoryError, ExitCode.USAGE),
    (PermissionError, ExitCode.USAGE),
    (OSError, ExitCode.UNAVAILABLE),
)


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code for a deliberate error."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


def note(message: str) -> None:
    """Something for the person, not for the next program in the pipe."""
    print(clean(message, keep="\n"), file=sys.stderr)


def lost(error: ServiceUnavailable) -> None:
    """Say that a stream is being taken up again."""
    note(f"The stream was lost ({error}); trying again.")


def complain(error: Exception) -> None:
    """Say what is wrong, on stderr."""
    head = typer.style("Error:", fg="red", bold=True) if sys.stderr.isatty() else "Error:"
    print(head, clean(_sentence(error), keep="\n"), file=sys.stderr)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, TradefreeError):
        said = error.strerror or str(error) or type(error).__name__
        return f"{error.filename}: {said}" if error.filename else said
    return str(error)


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn errors into a sentence and an exit code; what was printed is flushed inside."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        raise typer.Exit(ExitCode.NO_READER) from None
    except KeyboardInterrupt:
        note("Interrupted.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (TradefreeError, OSError) as error:
        complain(error)
        raise typer.Exit(exit_code_of(error)) from None


def _forget_stdout() -> None:
    """Python flushes once more at exit; let that go nowhere instead of complaining."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
