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
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of a page."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what is below it, up to the next one of any level."""

    title: str
    level: int
    text: str

    @property
    def fences(self) -> list[Fence]:
        return [Fence(match[2], match[3]) for match in _FENCE.finditer(self.text)]

    @property
    def prose(self) -> str:
        """What stands outside fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def inline_code(self) -> list[str]:
        """What stands between single backticks."""
        return [" ".join(match[1].split()) for match in _INLINE.finditer(self.prose)]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)


def name_of(page: Path) -> str:
    """The page's path below the project's folder, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


def sections(page: Path) -> list[Section]:
    """The page, heading by heading."""
    text = page.read_text(encoding="utf-8")
    outside = _FENCE.sub(lambda fence: " " * len(fence[0]), text)
    marks = list(_HEADING.finditer(outside))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [Section(mark[2], len(mark[1]), text[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]


def whole(page: Path) -> Section:
    """The page as one section."""
    return Section("", 0, page.read_text(encoding="utf-8"))


def fences(page: Path, language: str | None = None) -> list[Fence]:
    """The fenced blocks, of one language if given."""
    return [fence for fence in whole(page).fences if language in (None, fence.language)]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return whole(page).prose


def inline_code(page: Path) -> list[str]:
    """What stands between single backticks."""
    return whole(page).inline_code


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
    found = next((part.text for part in sections(page) if part.title == heading), None)
    assert found is not None, f"{name_of(page)} has no section {heading!r}"
    return found
