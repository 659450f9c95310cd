"""Every command that a page shows exists, with the options that are shown; and both READMEs show the same ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from docs.pages import PAGES, ROOT, fences, inline_code, name_of
from tradefree.cli.main import app

TREE: Any = typer.main.get_command(app)
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

_HEREDOC = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)
_START = re.compile(r"(?<![\w/.-])tradefree (?=[a-z-])")
_ENDS = frozenset({"|", ";", "&", "&&", "||", ")", "#"})


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each ``tradefree …`` in shell text."""
    text = _HEREDOC.sub("", text).replace("\\\n", " ")
    for line in text.splitlines():
        for start in _START.finditer(line):
            lexer = shlex.shlex(line[start.end() :], posix=True, punctuation_chars=";()|&")
            lexer.whitespace_split = True
            lexer.commenters = "#"
            words: list[str] = []
            try:
                for word in lexer:
                    if word in _ENDS:
                        break
                    words.append(word)
            except ValueError:  # the rest of the line is text around the command
                words = line[start.end() :].split()
            yield words


def shown(page: Path) -> list[list[str]]:
    """What a page shows as commands: in shell blocks, and in inline code that begins with one."""
    blocks = [fence.text for fence in fences(page, "sh")]
    codes = [code for code in inline_code(page) if re.match(r"(\w+=\S+ )*tradefree ", code)]
    return [words for text in (*blocks, *codes) for words in commands(text)]


def fault(words: list[str]) -> str | None:
    """What is wrong with the arguments of ``tradefree``; None if nothing is."""
    command = TREE
    rest = [word for word in words if word != "…"]
    while rest and hasattr(command, "commands"):
        name = rest.pop(0)
        if name not in command.commands:
            return f"there is no command {name!r}" if not name.isupper() else None
        command = command.commands[name]
    known = {"--help", "-h"} | {option for param in command.params for option in param.opts}
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]
    return f"{command.name} has no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    wrong = {f"tradefree {' '.join(words)}": problem for words in shown(page) if (problem := fault(words))}
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_targets_of_make_exist(page: Path) -> None:
    text = "\n".join([*(fence.text for fence in fences(page, "sh")), *inline_code(page)])
    asked = re.findall(r"^make ([a-z -]+)", text, re.MULTILINE)
    assert [name for names in asked for name in names.split() if name not in TARGETS] == []


def test_commands_are_found() -> None:
    """Or the tests above would be content with nothing."""
    assert len(shown(ROOT / "README.md")) > 15
    assert len(shown(ROOT / "docs" / "manual-test.md")) > 50


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tradefree submit hello --wait | cut -f1", None),
        ("ID=$(tradefree tasks --limit 1 | cut -f1)", None),
        ("tradefree limit", "there is no command 'limit'"),
        ("tradefree keys make", "there is no command 'make'"),
        ("tradefree submit hello --now", "submit has no option --now"),
        ("A=1 tradefree show X --wait; echo done", "show has no option --wait"),
    ],
)
def test_a_wrong_command_is_noticed(text: str, problem: str | None) -> None:
    (words,) = commands(text)
    assert fault(words) == problem
