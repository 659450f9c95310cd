"""What cannot be right ends a process at its start: with one sentence, and an exit code that says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.running import CELERY
from tradefree.testing.cluster import TRADEFREE, Cluster
from tradefree.testing.processes import free_port
from tradefree.testing.servers import Redis

pytestmark = pytest.mark.timeout(300)

SERVICE = [TRADEFREE, "api", "--port", "0"]
WORKER = [TRADEFREE, "worker"]
CELERY_WORKER = [CELERY, "--quiet", "-A", "tradefree.worker", "worker"]

Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """The sentence with which a command refuses to run, on a fresh database unless told otherwise."""

    def run(command: Sequence[str], broker_url: str, *, migrated: bool = True, **environment: str) -> str:
        database = f"sqlite+aiosqlite:///{tmp_path}/tradefree.db"
        cluster = Cluster(tmp_path, environment.pop("database", database), broker_url)
        if migrated:
            cluster.prepare()
        done: Any = subprocess.run(
            command,
            env={**cluster.environment, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = [line for line in (done.stdout + done.stderr).splitlines() if line]
        assert done.returncode == (1 if command[0] == CELERY else 2), said
        assert len(said) == 1, said
        assert said[0].startswith("Error: ")
        return str(said[0])

    return run


@pytest.fixture(scope="module")
def redis_cluster() -> Iterator[Redis]:
    with Redis(cluster_enabled="yes", cluster_port=str(free_port())) as server:
        yield server


def nobody() -> str:
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.mark.parametrize("command", [SERVICE, WORKER, CELERY_WORKER], ids=["api", "worker", "celery"])
def test_the_broker_in_memory_is_refused(refusal: Refusal, command: list[str]) -> None:
    assert "memory:// works inside one process only" in refusal(command, "memory://", migrated=False)


@pytest.mark.parametrize("command", [SERVICE, WORKER, CELERY_WORKER], ids=["api", "worker", "celery"])
def test_a_redis_cluster_is_refused(refusal: Refusal, command: list[str], redis_cluster: Redis) -> None:
    assert "Redis Cluster" in refusal(command, redis_cluster.url)


@pytest.mark.parametrize("command", [WORKER, CELERY_WORKER], ids=["worker", "celery"])
def test_a_bad_setting_is_refused(refusal: Refusal, command: list[str]) -> None:
    assert "TRADEFREE_BROKER_URL: ends with 'tasks'" in refusal(command, "redis://cache/tasks", migrated=False)
    assert "TRADEFREE_CONCURRENCY: " in refusal(command, nobody(), migrated=False, TRADEFREE_CONCURRENCY="many")
    assert "TRADEFREE_SECRET_KEY: " in refusal(command, nobody(), migrated=False, TRADEFREE_SECRET_KEY="short")
    elsewhere = {"CELERY_BROKER_URL": "redis://elsewhere/0"}
    assert "CELERY_BROKER_URL" in refusal(command, nobody(), migrated=False, **elsewhere)


@pytest.mark.parametrize("command", [SERVICE, WORKER, CELERY_WORKER], ids=["api", "worker", "celery"])
def test_a_database_without_tables_is_refused_though_redis_is_away(refusal: Refusal, command: list[str]) -> None:
    assert "tradefree migrate" in refusal(command, nobody(), migrated=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-P", "threads"], "--pool"),
        (["--autoscale", "10,2"], "--autoscale"),
        (["-n", "x" * 200], "name is too long"),
        (["-c", "30000"], "TRADEFREE_CONCURRENCY: "),
        (["-Q", "a,,b"], "TRADEFREE_QUEUES: "),
    ],
)
def test_options_of_celery_that_do_not_fit_are_refused(refusal: Refusal, options: list[str], words: str) -> None:
    assert words in refusal([*CELERY_WORKER, *options], nobody(), migrated=False)
