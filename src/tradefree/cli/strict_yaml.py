"""Reading a YAML file: ``${ENV}`` expanded in its values, repeated keys refused, every complaint with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class UnsetVariable(Exception):
    """A variable that is not set and has no default; ``offset`` is where in the text it stands."""

    def __init__(self, name: str, offset: int) -> None:
        super().__init__(name)
        self.name = name
        self.offset = offset


def expand(text: str, env: Mapping[str, str]) -> str:
    """``${NAME}`` and ``${NAME:-default}`` replaced, as a shell would; ``$${NAME}`` stands for ``${NAME}``.

    The default counts where the variable is unset or empty.
    """

    def value(match: re.Match[str]) -> str:
        escaped, name, default = match.groups()
        if escaped:
            return match[0][1:]
        if default is not None:
            return env.get(name) or default
        if name not in env:
            raise UnsetVariable(name, match.start())
        return env[name]

    return _VARIABLE.sub(value, text)


def read(path: Path, env: Mapping[str, str]) -> tuple[Any, list[str]]:
    """The file's value and everything that is wrong with its text, each as ``FILE:LINE: reason``.

    Variables are expanded after the file is parsed, so that a secret can hold any character, and always give text.
    OSError if the file cannot be read.
    """
    raw = path.read_bytes()
    problems: list[tuple[int, str]] = []
    try:
        value = _Loader(raw.decode("utf-8-sig"), env, problems).get_single_data()
        return value, [f"{path}:{line}: {reason}" for line, reason in sorted(problems)]
    except yaml.MarkedYAMLError as error:
        return None, [f"{path}{_not_yaml(error, raw)}"]
    except (yaml.YAMLError, UnicodeDecodeError):
        return None, [f"{path}: is not UTF-8 text"]
    except RecursionError:
        return None, [f"{path}: is nested too deep"]


def _not_yaml(error: yaml.MarkedYAMLError, raw: bytes) -> str:
    if error.problem_mark is None:
        return f": is not YAML: {error.problem}"
    number = error.problem_mark.line
    line = raw.splitlines()[number : number + 1]
    hint = "; inside [ ] and { } put ${NAME} in quotes" if line and b"${" in line[0] else ""
    return f":{number + 1}: is not YAML: {error.problem}{hint}"


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str, env: Mapping[str, str], problems: list[tuple[int, str]]) -> None:
        super().__init__(text)
        self._env = env
        self._problems = problems

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        try:
            return expand(value, self._env) if isinstance(value, str) else value
        except UnsetVariable as unset:
            below = value.count("\n", 0, unset.offset) + (getattr(node, "style", None) in ("|", ">"))
            self._complain(
                node.start_mark.line + below,
                f"the environment variable {unset.name} is not set; set it or write ${{{unset.name}:-default}}",
            )
            return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                self._complain(key.start_mark.line, f"{key.value} is there twice")
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)

    def _complain(self, line: int, reason: str) -> None:
        self._problems.append((line + 1, reason))
