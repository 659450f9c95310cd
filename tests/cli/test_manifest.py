from __future__ import annotations

from datetime import UTC, datetime
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
        ("schedule: {}", "0.yaml: schedule: is not a known section"),
        ("triggers: {a: {task_type: x}}", "0.yaml: triggers/a/event: is required"),
        (
            "triggers: {a: {event: x, task_type: x, filter: '1 +'}}",
            "0.yaml: triggers/a/filter: is not a CEL expression",
        ),
        ("triggers: {a: {event: x, task_type: x}}", "0.yaml: triggers/a/task_type: no task type 'x' is defined"),
        ("task_types: [hello]", "0.yaml: task_types: should be names"),
        ("task_types: {hello: echo}", "0.yaml: task_types/hello: should be fields"),
        ("task_types: {hello: }", "0.yaml: task_types/hello: should be fields"),
        ("task_types: {12: {runner: echo}}", "0.yaml: task_types/12: a name is text"),
        ("subscriptions: {shop: {}}", "0.yaml: subscriptions/shop/url: is required"),
        ("subscriptions: {Shop: {url: 'https://x.example.com'}}", "0.yaml: subscriptions/Shop: is not a good name"),
        ("subscriptions: {shop: {url: nope}}", "0.yaml: subscriptions/shop/url: should match pattern"),
        (
            "subscriptions: {shop: {url: 'https://x.example.com', statuses: [done]}}",
            "0.yaml: subscriptions/shop/statuses/0: should be 'completed'",
        ),
        (
            "subscriptions: {shop: {url: 'https://x.example.com', secret: hunter2}}",
            "0.yaml: subscriptions/shop/secret: should begin with whsec_",
        ),
        ("task_types: {tradefree.x: {runner: echo}}", "0.yaml: task_types/tradefree.x: names that begin with"),
        ("task_types: {x: {runner: callback}}", "0.yaml: task_types/x/runner: no runner 'callback' is installed"),
        ("task_types: {Hello: {runner: echo}}", "0.yaml: task_types/Hello: is not a good name"),
        ("task_types: {hello: {}}", "0.yaml: task_types/hello/runner: is required"),
        ("task_types: {hello: {runner: echo, name: x}}", "0.yaml: task_types/hello/name: leave it out"),
        ("task_types: {hello: {runner: echo, rate: 60}}", "0.yaml: task_types/hello/rate: should be a valid string"),
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
        ("hooks: {code: {preset: github}}", "0.yaml: hooks/code/secrets: is required"),
        ("hooks: {code: {preset: github, secrets: [short]}}", "0.yaml: hooks/code/secrets: a secret should have 8"),
        ("hooks: {code: {preset: hmac, secrets: [long-enough]}}", "0.yaml: hooks/code: signature is needed"),
        (
            "hooks: {code: {preset: github, secrets: [long-enough], event: {type: {cel: 'body.'}}}}",
            "0.yaml: hooks/code/event/type: cel: is not a CEL expression",
        ),
        (
            "hooks: {code: {preset: github, secrets: [long-enough], event: {type: 7}}}",
            "0.yaml: hooks/code/event/type: should be text",
        ),
        ("schedules: {night: {}}", "0.yaml: schedules/night: give one of cron, every, at"),
        ("schedules: {night: {cron: 0 5 * *}}", "0.yaml: schedules/night/cron: has 4 fields"),
        (
            "schedules: {night: {cron: 0 5 * * *, time_zone: Mars}}",
            "0.yaml: schedules/night/time_zone: is not a time zone",
        ),
        ("schedules: {night: {every: soon}}", "0.yaml: schedules/night/every: should be a number of seconds"),
        ("schedules: {night: {every: 5m, event: {type: ''}}}", "0.yaml: schedules/night/event/type: should have"),
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


def test_a_schedule_that_would_never_run_is_refused_unless_it_is_there_already(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("schedules: {launch: {at: '2026-01-01T00:00:00Z'}}")
    manifest = load([path], {})
    now = datetime(2026, 5, 4, tzinfo=UTC)

    with pytest.raises(InvalidManifest, match="schedules/launch/at: is in the past"):
        manifest.check_schedules({}, now)
    manifest.check_schedules(manifest.schedules, now)
    manifest.check_schedules({}, datetime(2025, 5, 4, tzinfo=UTC))
