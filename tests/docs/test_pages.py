"""Links lead somewhere, and files that are named are there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from docs.pages import DOCS, PAGES, ROOT, inline_code, name_of, sections, whole

FILE = re.compile(r"[\w./-]+/[\w.-]+\.(?:py|yaml|toml|md)")
PLACES = (ROOT, ROOT / "src" / "tradefree", ROOT / "tests", DOCS)


def anchors(page: Path) -> set[str]:
    return {re.sub(r"[^\w\- ]", "", part.title.lower()).replace(" ", "-") for part in sections(page)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in whole(page).links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = {code for code in inline_code(page) if FILE.fullmatch(code)}
    missing = [code for code in named if not any((place / code).exists() for place in PLACES)]
    assert missing == []


def test_the_index_names_every_page() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / link).resolve() for link in whole(index).links}
    assert [name_of(page) for page in PAGES if page not in linked | {index}] == []
