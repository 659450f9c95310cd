"""What is shipped of the console: small enough, whole, and nothing that a strict policy would stop."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from console.contract import BUILT

FIRST_LOAD = 400_000
"""Bytes, compressed, that a browser may have to fetch before it shows the first page."""


def test_the_first_load_is_small() -> None:
    html = (BUILT / "index.html").read_text()
    entry = next(name for name, part in _manifest().items() if part.get("isEntry"))
    sign_in = {*_static(entry), *re.findall(r'href="/(assets/[^"]+\.css)"', html)}
    for page in ("src/pages/overview/index.tsx", "src/pages/tasks/index.tsx", "src/pages/task/index.tsx"):
        files = sign_in | set(_static(page))
        size = sum(len(gzip.compress((BUILT / file).read_bytes())) for file in files)
        assert size < FIRST_LOAD, f"{page}: {size:,} bytes in {sorted(files)}"


def test_scripts_and_styles_are_files_with_a_place_for_the_nonce() -> None:
    html = (BUILT / "index.html").read_text()
    assert not re.findall(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html
    assert " style=" not in html
    loaded = re.findall(r"<script[^>]*>|<link rel=\"stylesheet\"[^>]*>", html)
    assert len(loaded) >= 2
    assert all('nonce="__CSP_NONCE__"' in tag for tag in loaded)
    assert '<meta property="csp-nonce" nonce="__CSP_NONCE__">' in html


def test_nothing_comes_from_elsewhere() -> None:
    for file in BUILT.rglob("*"):
        if file.suffix in (".html", ".css"):
            assert not re.search(r"https?://|url\(", file.read_text()), file


def _manifest() -> dict[str, Any]:
    return dict(json.loads((BUILT / "assets" / "manifest.json").read_text()))


def _static(name: str) -> Iterator[str]:
    """The files that must be there before a module runs."""
    parts, seen, todo = _manifest(), set[str](), [name]
    while todo:
        part = todo.pop()
        if part not in seen:
            seen.add(part)
            yield parts[part]["file"]
            todo += parts[part].get("imports", [])


def test_every_file_of_the_manifest_is_there() -> None:
    missing = [part["file"] for part in _manifest().values() if not Path(BUILT / part["file"]).is_file()]
    assert not missing
