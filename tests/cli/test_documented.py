"""docs/cli.md says what there is, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.conftest import Cli
from tradefree.cli.exits import ExitCode
from tradefree.cli.main import app

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def _commands(command: Any, name: str = "tradefree") -> dict[str, Any]:
    children = getattr(command, "commands", None)
    if children is None:
        return {name: command}
    return {path: found for child, sub in children.items() for path, found in _commands(sub, f"{name} {child}").items()}


COMMANDS = _commands(typer.main.get_command(app))


def test_the_commands_are_documented() -> None:
    documented = re.findall(r"^\| `(tradefree [a-z -]+)` \|", DOCS, re.MULTILINE)
    assert sorted(documented) == sorted(COMMANDS)


def test_the_exit_codes_are_documented() -> None:
    documented = re.findall(r"^\| (\d+) \| `(\w+)` \|", DOCS, re.MULTILINE)
    assert documented == [(str(code.value), code.name) for code in ExitCode]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text_and_explains_every_option(cli: Cli, name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [param.name for param in command.params if not param.help] == []
    assert cli(*name.split()[1:], "--help").stdout


@pytest.mark.parametrize("name", [n for n in COMMANDS if not n.endswith(("up", "api", "worker", "standin", "secret"))])
def test_json_is_everywhere(name: str) -> None:
    assert "--json" in [option for param in COMMANDS[name].params for option in param.opts]


HEAVY = ("celery", "sqlalchemy", "alembic", "fastapi", "aiohttp", "pydantic", "yaml", "rich")
HTTP = ("client", "bulk", "resolve", "inputs", "progress", "filters", "session")


def _loaded(code: str) -> list[str]:
    code += f"; import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_putting_the_commands_together_loads_nothing_heavy() -> None:
    assert _loaded("import tradefree.cli.main") == []


def test_our_commands_load_nothing_heavy() -> None:
    files = ["apply", "browse", "control", "doctor", "exits", "keys", "logs", "schema", "standin", "submit", "system"]
    assert _loaded("; ".join(f"import tradefree.cli.{name}" for name in files)) == []


def test_http_commands_need_neither_database_nor_broker() -> None:
    assert _loaded("import tradefree.client; " + "; ".join(f"import tradefree.cli.{name}" for name in HTTP)) == [
        "aiohttp"
    ]
