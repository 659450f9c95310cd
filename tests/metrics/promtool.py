"""Prometheus' own judge of rules, from Debian's package: unpacked only, because installing it would start a server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tradefree.testing.servers import MissingServer, one_by_one

PACKAGE = "prometheus"


def find_promtool(folder: Path) -> str:
    """Its path: the one that is installed, or one in this folder. MissingServer if it cannot be had."""
    if (found := shutil.which("promtool")) is not None:
        return found
    if shutil.which("apt-get") is None:
        raise MissingServer(f"promtool is needed: install {PACKAGE}")
    if not _download(folder) and os.geteuid() == 0:
        with one_by_one():
            subprocess.run(["apt-get", "-qq", "update"], check=False)
            _download(folder)
    for package in folder.glob(f"{PACKAGE}_*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
        return str(folder / "usr" / "bin" / "promtool")
    raise MissingServer(f"promtool is needed, and `apt-get download {PACKAGE}` failed: install it")


def _download(folder: Path) -> bool:
    done = subprocess.run(["apt-get", "-qq", "download", PACKAGE], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0
