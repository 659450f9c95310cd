"""Facts about the machine and the versions, kept with every result."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tradefree.errors import TradefreeError
from tradefree.testing.servers import find

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "tradefree",
    "celery",
    "kombu",
    "redis",
    "hiredis",
    "sqlalchemy",
    "asyncmy",
    "fastapi",
    "uvicorn",
    "uvloop",
    "dramatiq",
    "huey",
    "taskiq",
    "taskiq-redis",
    "arq",
    "rq",
)


def facts(mysql_program: str | None = None) -> dict[str, Any]:
    """Cores, memory, versions, commit."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "load_before": os.getloadavg()[0],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "servers": {
            "redis": _said(lambda: [find("redis-server", package="redis-server"), "--version"]),
            "mariadb": _said(lambda: [find("mariadbd", package="mariadb-server-core"), "--version"]),
            "mysql": _said(lambda: [mysql_program, "version"] if mysql_program else []),
        },
        "commit": _said(lambda: ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]),
        "changed_since": bool(_said(lambda: ["git", "-C", str(ROOT), "status", "--porcelain", "src", "bench"])),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _said(command: Callable[[], Sequence[str]]) -> str | None:
    """The last line a command prints; None if it cannot be run."""
    try:
        words = command()
        if not words:
            return None
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError, TradefreeError):
        return None
    line = next(iter(done.stdout.strip().splitlines()[-1:]), "")
    return re.sub(r"^/\S*/", "", line)
