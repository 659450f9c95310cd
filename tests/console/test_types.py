"""The pages know the API as it is."""

from __future__ import annotations

from pathlib import Path

from console.contract import TYPES, write_types


def test_the_types_are_those_of_the_api(tmp_path: Path) -> None:
    now = tmp_path / "schema.d.ts"
    write_types(now)
    assert now.read_text() == TYPES.read_text(), "the API has changed: run `make console-types`"
