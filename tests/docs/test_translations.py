"""The Chinese pages follow the English ones: section by section the same code, names, tables and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.pages import DOCS, ROOT, Section, name_of, sections, whole

TRANSLATED = ("backups", "console", "deployment", "monitoring", "operations", "security")
CHINESE = {ROOT / "README.md": ROOT / "README.zh-CN.md"} | {
    DOCS / f"{name}.md": DOCS / "zh" / f"{name}.md" for name in TRANSLATED
}
ENGLISH = {theirs: ours for ours, theirs in CHINESE.items()}
COMMENT = re.compile(r"(^|\s+)# .*$", re.MULTILINE)


def code(section: Section) -> list[str]:
    """What can be copied and run: comments are in the page's language, and so are diagrams."""
    return [COMMENT.sub("", fence.text) for fence in section.fences if fence.language != "mermaid"]


def table_rows(section: Section) -> list[int]:
    """How many cells each row of its tables has."""
    return [line.count("|") for line in section.prose.splitlines() if line.startswith("|")]


def items(section: Section) -> int:
    return len(re.findall(r"^(?:\*|\d+\.) ", section.prose, re.MULTILINE))


def targets(page: Path, section: Section) -> set[str]:
    """Where its links lead, by the English page's name; headings are named differently."""
    return {target(page, link) for link in section.links} - {name_of(page), name_of(ENGLISH.get(page, page))}


def target(page: Path, link: str) -> str:
    if re.match(r"[a-z]+:", link):
        return link
    path = link.partition("#")[0]
    led = (page.parent / path).resolve() if path else page
    return name_of(ENGLISH.get(led, led))


def differences(page: Path, ours: Section, theirs: Section) -> list[str]:
    """What a reader of the Chinese page would miss, or find there alone."""
    looked_at = {
        "level of the heading": (ours.level, theirs.level),
        "code": (code(ours), code(theirs)),
        "rows of tables": (table_rows(ours), table_rows(theirs)),
        "items of lists": (items(ours), items(theirs)),
        "names in backticks": (set(ours.inline_code), set(theirs.inline_code)),
        "links": (targets(page, ours), targets(CHINESE[page], theirs)),
    }
    return [
        f"{ours.title!r} and {theirs.title!r} differ in {what}: {missing(*pair)}"
        for what, pair in looked_at.items()
        if pair[0] != pair[1]
    ]


def missing(ours: object, theirs: object) -> str:
    if isinstance(ours, set) and isinstance(theirs, set):
        return f"only in English {sorted(ours - theirs)}, only in Chinese {sorted(theirs - ours)}"
    return f"English {ours}, Chinese {theirs}"


@pytest.mark.parametrize("page", CHINESE, ids=name_of)
def test_both_languages_say_the_same(page: Path) -> None:
    ours, theirs = sections(page), sections(CHINESE[page])
    assert len(ours) == len(theirs), f"headings: {[s.title for s in ours]} and {[s.title for s in theirs]}"
    found = [line for pair in zip(ours, theirs, strict=True) for line in differences(page, *pair)]
    assert found == [], f"change {name_of(page)} and {name_of(CHINESE[page])} together"


@pytest.mark.parametrize("page", CHINESE, ids=name_of)
def test_each_page_links_to_the_other_language(page: Path) -> None:
    for one, other in ((page, CHINESE[page]), (CHINESE[page], page)):
        assert other in {(one.parent / link).resolve() for link in sections(one)[0].links}


def test_no_chinese_page_is_left_alone() -> None:
    assert set((DOCS / "zh").glob("*.md")) <= set(ENGLISH)


def test_the_chinese_readme_leads_to_the_chinese_pages() -> None:
    readme = ROOT / "README.zh-CN.md"
    led_to = {(ROOT / link).resolve() for link in whole(readme).links}
    assert {DOCS / "zh" / f"{name}.md" for name in TRANSLATED} <= led_to
