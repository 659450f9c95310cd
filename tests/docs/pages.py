"""Reading the pages: fences, inline code, tables, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of a page."""

    language: str
    text: str


def name_of(page: Path) -> str:
    """The page's path below the project's folder, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path, language: str | None = None) -> list[Fence]:
    """The fenced blocks, of one language if given."""
    found = [Fence(match[2], match[3]) for match in _FENCE.finditer(page.read_text(encoding="utf-8"))]
    return [fence for fence in found if language in (None, fence.language)]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def inline_code(page: Path) -> list[str]:
    """What stands between single backticks."""
    return [" ".join(match[1].split()) for match in _INLINE.finditer(prose(page))]


def rows(page: Path, *heading: str) -> Iterator[list[str]]:
    """The rows of all tables with this heading, cell by cell."""
    inside = False
    for line in prose(page).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in _CELL.split(line.strip().strip("|"))]
        if inside and not set(line) <= set("|-: "):
            yield cells
        inside = inside or tuple(cells) == heading


def bare(cell: str) -> str:
    """A cell that is one piece of inline code, without its backticks."""
    return cell.strip("`")


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one."""
    text = page.read_text(encoding="utf-8")
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"{name_of(page)} has no section {heading!r}"
    return match[1]
