"""Every test of the command line runs in an empty folder, with an environment of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from cli.service_double import ServiceDouble
from tradefree.cli import render
from tradefree.cli.checks import broker, database
from tradefree.cli.main import app
from tradefree.client import stream, transport


class Cli(Protocol):
    def __call__(self, *args: str, stdin: str | bytes | None = None, code: int = 0) -> Result: ...


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, no settings but a database that is not there yet, repeats without a pause; nothing is slow."""
    for name in [name for name in os.environ if name.startswith(("TRADEFREE_", "DIFY_"))]:
        if not name.startswith("TRADEFREE_TEST_"):  # those are about the tests themselves
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEFREE_DATABASE_URL", "sqlite+aiosqlite:///test.db")
    monkeypatch.setattr(transport, "PAUSE", 0.0)
    monkeypatch.setattr(stream, "RETRY", 0.0)
    for checks in (broker, database):
        monkeypatch.setattr(checks, "SLOW", 60.0)
    return tmp_path


@pytest.fixture
def cli() -> Cli:
    """Runs a command and insists on its exit code."""

    def invoke(*args: str, stdin: str | bytes | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(args), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceDouble]:
    """A service that the settings point to."""
    with ServiceDouble() as double:
        monkeypatch.setenv("TRADEFREE_API_URL", double.url)
        monkeypatch.setenv("TRADEFREE_API_KEY", "tfk_test")
        yield double


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a person read stdout, 200 columns wide."""
    monkeypatch.setattr(render, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")


def rows(result: Result) -> list[list[Any]]:
    """Tab-separated output, split."""
    return [line.split("\t") for line in result.stdout.splitlines()]
