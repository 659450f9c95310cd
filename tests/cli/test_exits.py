"""How the command line ends: codes, one sentence, signals, pipes. The last need a real process."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from cli.conftest import Cli
from cli.service_double import TASK_ID, Answer, Asked, ServiceDouble, event, log_line, ok, problem, stream, task
from tradefree.client import transport

COMMAND = [sys.executable, "-m", "tradefree.cli.main"]


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (problem(400, "bad cursor"), 4, "Error: bad cursor"),
        (problem(401, "the key is revoked"), 4, "Error: the key is revoked"),
        (problem(403, "no scope 'tasks:read'"), 4, "Error: no scope 'tasks:read'"),
        (problem(404, "no such task"), 5, "Error: no such task"),
        (problem(409, "it has ended"), 4, "Error: it has ended"),
        (problem(422, "q: too long", ("q", "too long")), 4, "Error: q: too long"),
        (problem(429, "too many"), 3, "cannot answer now: too many"),
        (problem(500, "oops"), 3, "cannot answer now: oops"),
        (problem(503, "the database does not answer"), 3, "the database does not answer"),
        (Answer(404, b"<html>nginx", "text/html"), 3, "there is no task service at"),
        (Answer(502, b"<html>nginx", "text/html"), 3, "HTTP 502 Bad Gateway"),
        (Answer(200, b"<html>hello", "text/html"), 3, "not like a task service (text/html)"),
    ],
)
def test_answers_that_are_errors(cli: Cli, service: ServiceDouble, answer: Answer, code: int, said: str) -> None:
    service.on("GET", "/workers", answer)
    result = cli("workers", "--json", code=code)
    assert result.stdout == ""
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_key_it_says_where_to_put_one(
    cli: Cli, service: ServiceDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRADEFREE_API_KEY")
    service.on("GET", "/workers", problem(401, "an API key is needed"))
    assert "set TRADEFREE_API_KEY" in cli("workers", code=4).stderr
    assert "Authorization" not in service.only("/workers").headers


def test_nobody_listens(cli: Cli) -> None:
    said = cli("workers", "--url", "http://127.0.0.1:1", code=3).stderr
    assert said == "Error: cannot reach the task service at http://127.0.0.1:1: Connection refused; is it running?\n"


def test_nobody_answers_in_time(cli: Cli, service: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER", 0.05)
    service.on("GET", "/workers", stream(hold=True))
    assert "did not answer in time" in cli("workers", code=3).stderr


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "", "http://[::1"])
def test_addresses_that_are_none(cli: Cli, url: str) -> None:
    assert cli("workers", f"--url={url}", code=2).stderr.startswith("Error: TRADEFREE_API_URL:")


@pytest.mark.parametrize("key", ["tfk_ü", "a b", "a\nX-Evil: 1"])
def test_keys_that_are_none_are_not_sent_and_not_shown(cli: Cli, service: ServiceDouble, key: str) -> None:
    said = cli("workers", "--api-key", key, code=2).stderr
    assert said.startswith("Error: TRADEFREE_API_KEY:")
    assert key not in said
    assert service.asked == []


def test_what_a_service_says_cannot_steer_the_terminal(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/workers", problem(422, "\x1b]0;owned\x07no"))
    assert cli("workers", code=4).stderr == "Error: \\x1b]0;owned\\x07no\n"


@pytest.mark.parametrize("arguments", [("nonsense",), ("tasks", "--nonsense"), ("show",), ("submit", "a", "b")])
def test_usage(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli(*arguments, code=2)


def test_version(cli: Cli) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", cli("--version").stdout)


# ── real processes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_ctrl_c_while_waiting(service: ServiceDouble) -> None:
    process: subprocess.Popen[str]

    def submitted(_: Asked) -> Answer:
        return ok(task(status="pending"), 202)

    def watched(_: Asked) -> Answer:
        process.send_signal(signal.SIGINT)
        return stream(event("status", {"status": "processing"}, 1), hold=True)

    service.on("POST", "/tasks", submitted)
    service.on("GET", f"/tasks/{TASK_ID}/stream", watched)
    process = subprocess.Popen(
        [*COMMAND, "submit", "hello", "--wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a test run in the background of a shell ignores Ctrl-C, and its children would, too
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == f"The task goes on; look at it with: tradefree show {TASK_ID}\nInterrupted.\n"


def test_a_reader_that_goes_away(service: ServiceDouble) -> None:
    pages: Callable[[Asked], Answer] = lambda _: ok({"items": [task()] * 200, "next_cursor": "more"})  # noqa: E731
    service.on("GET", "/tasks", pages)
    process = subprocess.Popen([*COMMAND, "tasks", "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(TASK_ID)
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_a_bug_shows_its_traceback_and_has_a_code_of_its_own(service: ServiceDouble) -> None:
    service.on("GET", "/workers", ok({"surprise": True}))
    done = subprocess.run([*COMMAND, "workers"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 70
    assert "KeyError: 'items'" in done.stderr


def test_a_real_terminal_gets_colours_and_a_pipe_none(service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}/logs", ok({"items": [log_line(1, level="error")], "next_after": 1}))
    assert b"\x1b[31merror" in _on_terminal("logs", TASK_ID)
    assert (
        b"\x1b" not in subprocess.run([*COMMAND, "logs", TASK_ID], capture_output=True, timeout=60, check=True).stdout
    )
    assert b"\x1b" not in _on_terminal("logs", TASK_ID, "--json")


def _on_terminal(*arguments: str) -> bytes:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux says EIO when the last writer has closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    return shown
