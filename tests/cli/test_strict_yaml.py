from __future__ import annotations

from pathlib import Path

import pytest

from tradefree.cli.strict_yaml import UnsetVariable, expand, read

ENV = {"URL": "http://x/v1", "EMPTY": "", "NASTY": "a: b # c\n- d", "NUMBER": "12"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${URL}", "http://x/v1"),
        ("<${URL}|${NUMBER}>", "<http://x/v1|12>"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${NOPE:-}", ""),
        ("${NOPE:-a:-b}", "a:-b"),
        ("${URL:-x}", "http://x/v1"),
        ("$${URL}", "${URL}"),
        ("$${NOPE}", "${NOPE}"),
        ("$URL ${} ${1A} $$", "$URL ${} ${1A} $$"),
    ],
)
def test_expand(text: str, value: str) -> None:
    assert expand(text, ENV) == value


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(UnsetVariable) as caught:
        expand("ab ${NOPE}", ENV)
    assert (caught.value.name, caught.value.offset) == ("NOPE", 3)


def _read(tmp_path: Path, text: str | bytes) -> tuple[object, list[str]]:
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    value, problems = read(path, ENV)
    return value, [problem.removeprefix(str(path)) for problem in problems]


def test_a_secret_may_hold_any_character_and_stays_text(tmp_path: Path) -> None:
    assert _read(tmp_path, "a: ${NASTY}\nb: ['${NUMBER}', 12]\n") == ({"a": ENV["NASTY"], "b": ["12", 12]}, [])


def test_unquoted_variables_in_flow_style_get_a_hint(tmp_path: Path) -> None:
    _, (problem,) = _read(tmp_path, "a: {b: ${URL}}\n")
    assert problem.endswith("put ${NAME} in quotes")


def test_comments_are_not_expanded(tmp_path: Path) -> None:
    assert _read(tmp_path, "# ${NOPE}\na: 1 # ${NOPE}\n") == ({"a": 1}, [])


def test_every_unset_variable_is_told_with_its_line(tmp_path: Path) -> None:
    _, problems = _read(tmp_path, 'a: ${ONE}\nb:\n  - "${TWO}"\nc: |\n  text\n  ${THREE}\n')
    assert [problem.split(" is not set")[0] for problem in problems] == [
        ":1: the environment variable ONE",
        ":3: the environment variable TWO",
        ":6: the environment variable THREE",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: a is there twice"),
        ("a:\n  x: 1\n  x: 2\n", ":3: x is there twice"),
        ("a: [1\nb: 2\n", ":2: is not YAML"),
        ("a: 1\n---\nb: 2\n", ":2: is not YAML"),
        ("a: !!python/object:os.system {}\n", ":1: is not YAML"),
        (b"\xff\xfe\xfa", ": is not UTF-8"),
    ],
)
def test_bad_yaml(tmp_path: Path, text: str | bytes, problem: str) -> None:
    _, problems = _read(tmp_path, text)
    assert len(problems) == 1
    assert problems[0].startswith(problem)
