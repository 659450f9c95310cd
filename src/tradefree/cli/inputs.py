"""Reading the input of a task: JSON as it was written, nothing rounded or dropped on the way."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from tradefree.errors import InvalidInput


def read_input(text: str | None) -> Any:
    """The value of ``--input``: JSON, ``@FILE`` or ``-`` for stdin. None if the option was not given."""
    if text is None:
        return None
    if text == "-":
        return parse(read_stdin(), "stdin")
    if text.startswith("@"):
        return parse(Path(text[1:]).read_bytes(), text[1:])
    return parse(text.encode("utf-8", "surrogateescape"), "--input")


def read_stdin() -> bytes:
    return sys.stdin.buffer.read()


def parse(raw: bytes, where: str) -> Any:
    """One JSON value (RFC 8259). InvalidInput says where and what is wrong."""
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise InvalidInput(f"{where}: is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if b"\n" in raw.strip() else f"column {error.colno}"
        raise InvalidInput(f"{where}: is not JSON: {error.msg} ({place})") from None
    except RecursionError:
        raise InvalidInput(f"{where}: is nested too deep") from None
    except ValueError as error:
        raise InvalidInput(f"{where}: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
