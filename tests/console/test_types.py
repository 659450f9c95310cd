"""The pages know the API as it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from console.contract import TYPES, write_types


def test_the_types_are_those_of_the_api(tmp_path: Path) -> None:
    now = tmp_path / "schema.d.ts"
    with ThreadPoolExecutor(1) as apart:  # here the browser's event loop may be running
        apart.submit(write_types, now).result()
    assert now.read_text() == TYPES.read_text(), "the API has changed: run `make console-types`"
