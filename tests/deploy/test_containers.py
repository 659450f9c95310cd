"""Dockerfile, compose file and chart: what they name is there. `make check-deploy` looks with other people's tools."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.units import FOLDER
from tradefree.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KNOWN = {f"TRADEFREE_{name.upper()}" for name in Settings.model_fields}
OURS = {"TRADEFREE_IMAGE", "TRADEFREE_LISTEN"}
"""Of the compose file's own."""
FILES = [
    ROOT / "Dockerfile",
    DEPLOY / "health.py",
    FOLDER / "tradefree.env.example",
    *(file for folder in ("compose", "helm") for file in (DEPLOY / folder).rglob("*") if file.is_file()),
    DEPLOY / "compose.yaml",
]
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(re.findall(r"TRADEFREE_[A-Z_]+[A-Z]", file.read_text()))
    assert named <= KNOWN | OURS


def test_everything_that_is_mounted_is_there() -> None:
    sources = [
        volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", [])
    ]
    assert [source for source in sources if source.startswith(".") and not (DEPLOY / source).exists()] == []
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_both_profiles_have_two_services_workers_and_what_they_need() -> None:
    always = {name for name, service in COMPOSE["services"].items() if "profiles" not in service}
    assert always == {"migrate", "service", "worker", "balancer", "mysql", "redis"}
    assert COMPOSE["services"]["service"]["deploy"]["replicas"] == 2
    profiles = {name: service["profiles"] for name, service in COMPOSE["services"].items() if "profiles" in service}
    assert profiles == {"dify": ["test"], "prometheus": ["production"], "grafana": ["production"]}


def test_no_secret_is_in_the_files() -> None:
    for name in ("MYSQL_PASSWORD", "TRADEFREE_SECRET_KEY", "TRADEFREE_METRICS_TOKEN"):
        assert re.search(rf"^{name}=$", (DEPLOY / "compose" / "env.example").read_text(), re.MULTILINE)
        assert f"${{{name}:?" in (DEPLOY / "compose.yaml").read_text()


def test_the_image_has_what_it_needs_and_does_not_run_as_root() -> None:
    stages = DOCKERFILE.split("\nFROM ")[1:]
    assert len(stages) == 3
    assert "USER 10001:10001" in stages[-1]
    assert "HEALTHCHECK" in stages[-1]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    ]
    assert {word if word in allowed else word.split("/")[0] for word in copied} == set(allowed)
    assert all((ROOT / word).exists() for word in copied)


class _Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Nobody wants to read it."""


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("TRADEFREE_PORT", 200, 0),
        ("TRADEFREE_METRICS_PORT", 401, 0),
        ("TRADEFREE_PORT", 500, 1),
    ],
)
def test_the_health_check_finds_a_service_and_a_worker(name: str, status: int, code: int) -> None:
    handler = type("Answers", (_Answers,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        nobody = {"TRADEFREE_PORT": "1", "TRADEFREE_METRICS_PORT": "1"}
        environment = {**os.environ, **nobody, name: str(server.server_port)}
        done = subprocess.run([sys.executable, str(DEPLOY / "health.py")], env=environment, check=False)
        server.shutdown()
    assert done.returncode == code


def test_every_metric_that_scaling_asks_for_exists() -> None:
    spec = importlib.util.find_spec("tradefree.metrics.known")
    assert spec is not None
    assert spec.origin is not None
    queues = set(re.findall(r'^\s+\(?"(\w+)",', Path(spec.origin).read_text(), re.MULTILINE))
    asked = re.findall(r"tradefree_queue_(\w+)\{", (DEPLOY / "helm/tradefree/templates/scaledobject.yaml").read_text())
    assert len(asked) == 2
    assert set(asked) <= queues
