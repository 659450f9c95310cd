from __future__ import annotations

from pathlib import Path

import pytest

from tradefree.cli.manifest import InvalidManifest, load
from tradefree.runners.registry import load_runners

BOT = "connections: {bot: {base_url: http://x/v1, api_key: app-1}}\n"


def _problems(tmp_path: Path, *texts: str) -> list[str]:
    paths = [tmp_path / f"{index}.yaml" for index in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    with pytest.raises(InvalidManifest) as caught:
        load(paths, {}).check(load_runners(), ())
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "0.yaml: should have the sections"),
        ("[1]", "0.yaml: should have the sections"),
        ("triggers: {}", "0.yaml: triggers: is not a known section"),
        ("task_types: [hello]", "0.yaml: task_types: should be names"),
        ("task_types: {hello: echo}", "0.yaml: task_types/hello: should be fields"),
        ("task_types: {hello: }", "0.yaml: task_types/hello: should be fields"),
        ("task_types: {12: {runner: echo}}", "0.yaml: task_types/12: a name is text"),
        ("task_types: {Hello: {runner: echo}}", "0.yaml: task_types/Hello: is not a good name"),
        ("task_types: {hello: {}}", "0.yaml: task_types/hello/runner: is required"),
        ("task_types: {hello: {runner: echo, name: x}}", "0.yaml: task_types/hello/name: leave it out"),
        ("task_types: {hello: {runner: echo, rate: 60/m}}", "0.yaml: task_types/hello/rate: is not a known field"),
        ("task_types: {hello: {runner: echo, timeout: soon}}", "0.yaml: task_types/hello/timeout: should be a number"),
        (
            "task_types: {hello: {runner: echo, retry: {max_attempts: 0}}}",
            "0.yaml: task_types/hello/retry/max_attempts",
        ),
        (
            "task_types: {hello: {runner: echo, input_schema: {type: 1}}}",
            "0.yaml: task_types/hello/input_schema: not a",
        ),
        ("task_types: {hello: {runner: nope}}", "0.yaml: task_types/hello/runner: no runner 'nope' is installed"),
        ("task_types: {hello: {runner: echo, options: {x: 1}}}", "0.yaml: task_types/hello/options: unknown option"),
        (
            "task_types: {hello: {runner: echo, connection: b}}",
            "0.yaml: task_types/hello/connection: no connection 'b'",
        ),
        ("connections: {bot: {base_url: ftp://x, api_key: a}}", "0.yaml: connections/bot/base_url: should match"),
        ("connections: {bot: {base_url: http://x, api_key: a b}}", "0.yaml: connections/bot: api_key must be"),
    ],
)
def test_bad_files_name_file_path_and_reason(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = _problems(tmp_path, text)
    assert found.startswith(problem)


def test_all_problems_of_all_files_are_told_and_no_secret(tmp_path: Path) -> None:
    secret = "connections: {bot: {base_url: nope, api_key: 'app secret'}}"
    found = _problems(tmp_path, "task_types: {a: {}, b: {runner: 1}}", secret)
    assert [problem.split(": ")[1] for problem in found] == [
        "task_types/a/runner",
        "task_types/b/runner",
        "connections/bot/base_url",
    ]
    assert "app secret" not in str(found)


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    (found,) = _problems(tmp_path, BOT, BOT)
    assert found == f"1.yaml: connections/bot: is defined in {tmp_path}/0.yaml, too"


def test_a_stored_connection_will_do(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("task_types: {hello: {runner: echo, connection: stored}}")
    load([path], {}).check(load_runners(), {"stored"})
