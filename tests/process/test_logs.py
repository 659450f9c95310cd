"""The process's log: structured, to a rotating file if wanted, and without secrets wherever they come from."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tradefree.logs import configure_logging
from tradefree.settings import load_settings

KEY = "tfk_" + "A" * 43 + "abcdef"
DIFY_KEY = "app-0123456789abcdefghijklmn"
URL = "mysql+asyncmy://user:hunter2@db.example/tradefree"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_lines_are_json_with_what_was_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "logs" / "app.log"
    configure_logging(load_settings(log_file=file, log_format="json"))
    with structlog.contextvars.bound_contextvars(task_id="t-1", attempt=2):
        structlog.get_logger("tradefree.test").info("it works", 数量=3)
        logging.getLogger("tradefree.other").warning("the standard library's %s", "line")
    for found in (lines(file), [json.loads(line) for line in capsys.readouterr().err.splitlines()]):
        assert [line["event"] for line in found] == ["it works", "the standard library's line"]
        assert all((line["task_id"], line["attempt"]) == ("t-1", 2) for line in found)
        assert found[0]["数量"] == 3
        assert {"timestamp", "level", "logger"} <= set(found[0])


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_never_reach_the_log(log_format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "app.log"
    configure_logging(load_settings(log_file=file, log_format=log_format))
    log = structlog.get_logger("tradefree.test")
    log.warning(f"key {KEY} in words", url=URL, nested={"authorization": f"Bearer {DIFY_KEY}"}, items=[KEY])
    logging.getLogger("kombu").error("cannot reach %s with %s", URL, DIFY_KEY)
    log.warning("the broker is away", url="redis://:hunter2@cache:6379/0")
    log.error("it failed", exc_info=ValueError(f"refused: {KEY} {URL}"))
    told = file.read_text() + capsys.readouterr().err
    assert "it failed" in told
    assert "ValueError" in told
    for secret in (KEY, DIFY_KEY, "hunter2"):
        assert secret not in told


def test_the_file_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "app.log"
    configure_logging(load_settings(log_file=file))
    (handler,) = [h for h in logging.getLogger().handlers if isinstance(h, logging.handlers.RotatingFileHandler)]
    monkeypatch.setattr(handler, "maxBytes", 1000)
    for number in range(100):
        structlog.get_logger("tradefree.test").info("a line", number=number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log", *(f"app.log.{n}" for n in range(1, 6))]


def test_the_level_is_heeded(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    configure_logging(load_settings(log_file=file, log_level="warning"))
    structlog.get_logger("tradefree.test").info("quiet")
    structlog.get_logger("tradefree.test").warning("loud")
    assert [line["event"] for line in lines(file)] == ["loud"]
