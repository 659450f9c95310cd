"""Units of systemd, and what systemd would do with them, as far as it concerns the process."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tradefree.testing.cluster import Cluster, Service

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
INSTALLED = "/opt/tradefree/current/bin"


class Unit:
    """One unit file; ``instance`` is what stands after the @."""

    def __init__(self, name: str, instance: str = "") -> None:
        self.settings: defaultdict[str, list[str]] = defaultdict(list)
        for line in (FOLDER / name).read_text().splitlines():
            key, sign, value = line.partition("=")
            if sign and not line.startswith("#"):
                self.settings[key].append(
                    value.replace("%i", instance).replace(INSTALLED, os.path.dirname(sys.executable))
                )

    def one(self, key: str) -> str:
        """The value of a setting that is there once."""
        (value,) = self.settings[key]
        return value

    def command(self, key: str) -> list[str]:
        return shlex.split(self.one(key))


def example(file: Path) -> dict[str, str]:
    """The names and values in a file for EnvironmentFile."""
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


class Unitary(Service):
    """The main process of a unit."""

    def __init__(self, cluster: Cluster, name: str, unit: Unit) -> None:
        super().__init__(cluster, name)
        self.unit = unit

    def command(self) -> list[str]:
        return self.unit.command("ExecStart")

    def answers(self) -> bool:
        """As ``systemctl start`` has it: what comes after the start has ended well."""
        posts = self.unit.settings["ExecStartPost"]
        return all(subprocess.run(shlex.split(post), check=False).returncode == 0 for post in posts)

    def reload(self) -> None:
        words = [word.replace("$MAINPID", str(self.pid)) for word in self.unit.command("ExecReload")]
        subprocess.run(words, check=True)

    def halt(self) -> None:
        """As ``systemctl stop``: SIGTERM to the main process, and no more than the time-out until it has ended."""
        self.send(signal.SIGTERM)
        self.wait(float(self.unit.one("TimeoutStopSec")))
