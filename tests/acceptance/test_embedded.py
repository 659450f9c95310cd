"""``tradefree up`` with a real Celery worker, SQLite file and Dify protocol: used, killed, started again."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from acceptance.processes import TRADEFREE, Standin, System
from tradefree.testing.dify_standin import overlapping_runs, peak_running, runs_by_task
from waiting import wait_for

RETRY_SOON = {"max_attempts": 3, "initial": 0.2, "maximum": 0.5}


def with_dify(system: System, standin: Standin, **task_type: object) -> None:
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner="dify.workflow", connection="dify", retry=RETRY_SOON, **task_type)


def test_a_task_runs_and_its_log_tells_how(system: System, standin: Standin) -> None:
    with_dify(system, standin)
    task = system.wait(system.submit("work", {"seconds": 0.1, "text": "你好 👋"}))
    assert task["status"] == "completed"
    assert task["output_data"]["text"] == "你好 👋"
    (attempt,) = task["attempts"]
    assert attempt["usage"]["total_tokens"] == 100
    assert attempt["usage"]["elapsed"] > 0
    (run,) = standin.runs()
    assert task["id"] in run.user
    log = system.log(task["id"])
    assert [line["id"] for line in log] == sorted(line["id"] for line in log)
    words = "\n".join(line["message"] for line in log)
    for expected in ("Accepted", "Attempt 1 started", run.run_id, "Think", "100 tokens", "Completed"):
        assert expected in words, words


def test_an_idle_system_starts_a_task_at_once(system: System) -> None:
    system.define("echo", runner="echo")
    answer = system.api.post("/tasks", json={"type": "echo", "input_data": {"n": 1}}, headers={"Prefer": "wait=30"})
    assert answer.status_code == 200
    assert answer.json()["output_data"] == {"n": 1}


def test_a_killed_system_goes_on_where_it_was_and_pays_for_nothing_twice(system: System, standin: Standin) -> None:
    with_dify(system, standin, concurrency={"max_running": 30})
    ids = [system.submit("work", {"seconds": 0.2 + (n % 7) * 0.4, "text": str(n)}) for n in range(60)]
    wait_for(lambda: len(standin.runs()) >= 40, "forty runs at Dify")
    system.process.kill(signal.SIGKILL)
    system.start()
    tasks = [system.wait(task_id) for task_id in ids]
    assert Counter(task["status"] for task in tasks) == {"completed": 60}
    assert [task["output_data"]["text"] for task in tasks] == [str(n) for n in range(60)]
    runs = standin.runs()
    assert overlapping_runs(runs) == []
    assert Counter(len(of_task) for of_task in runs_by_task(runs).values()) == {1: 60}, "a run was paid for twice"
    assert peak_running(runs) <= 30
    lost = [task for task in tasks if any(attempt["outcome"] == "lost" for attempt in task["attempts"])]
    assert lost, "the kill should have struck some task"


def test_a_stopped_worker_hands_back_and_counts_nothing(start_system: Callable[..., System], standin: Standin) -> None:
    system = start_system(drain_timeout=0.5)
    with_dify(system, standin)
    task_id = system.submit("work", {"seconds": 4})
    wait_for(lambda: standin.runs(), "the run at Dify")
    assert system.process.kill(signal.SIGTERM) == 0, system.process.text()
    system.start()
    task = system.wait(task_id)
    assert task["status"] == "completed"
    assert [attempt["outcome"] for attempt in task["attempts"]] == ["handed_back", "completed"]
    assert (task["failures"], task["crashes"]) == (0, 0)
    assert len(standin.runs()) == 1


def test_cancel_reaches_dify(system: System, standin: Standin) -> None:
    with_dify(system, standin)
    task_id = system.submit("work", {"seconds": 60})
    wait_for(lambda: standin.runs(), "the run at Dify")
    assert system.api.post(f"/tasks/{task_id}/cancellation").status_code == 202
    task = system.wait(task_id)
    assert task["status"] == "cancelled"
    (run,) = standin.runs()
    assert run.stop_asked_mono is not None


def test_a_timeout_stops_the_run_and_counts_as_a_failure(system: System, standin: Standin) -> None:
    with_dify(system, standin)
    task = system.wait(system.submit("work", {"seconds": 60}, timeout=0.7, max_attempts=1))
    assert (task["status"], task["error_code"]) == ("failed", "timeout")
    assert standin.runs()[0].stop_asked_mono is not None


def test_failures_are_retried_and_refusals_deferred(system: System, standin: Standin) -> None:
    with_dify(system, standin)
    fails = system.submit("work", {"seconds": 0, "standin": json.dumps({"fail": {"times": 1, "error": "no stock"}})})
    busy = system.submit("work", {"seconds": 0, "standin": json.dumps({"too_many_requests": {"times": 1}})})
    hopeless = system.submit("work", {"seconds": 0, "standin": json.dumps({"fail": {"error": "no stock"}})})
    failed_once, deferred, failed = (system.wait(task_id) for task_id in (fails, busy, hopeless))
    assert (failed_once["status"], failed_once["failures"]) == ("completed", 1)
    assert (deferred["status"], deferred["failures"], deferred["deferrals"]) == ("completed", 0, 1)
    assert (failed["status"], failed["failures"]) == ("failed", 3)
    assert "no stock" in failed["error_message"]


def test_a_delayed_task_waits_and_an_expired_one_is_not_run(system: System) -> None:
    system.define("echo", runner="echo")
    system.define("slow", runner="echo", options={"delay": 1.5}, concurrency={"max_running": 1})
    delayed = system.submit("echo", delay="700ms")
    assert system.task(delayed)["status"] == "scheduled"
    first = system.submit("slow")
    system.wait(first, "processing")
    second = system.submit("slow", expires_in=0.5)
    expired = system.wait(second)
    assert (expired["status"], expired["error_code"], expired["attempt_count"]) == ("failed", "expired", 0)
    task = system.wait(delayed)
    assert task["started_at"] >= task["run_at"]


def test_a_cap_holds(system: System) -> None:
    system.define("narrow", runner="echo", options={"delay": 0.1}, concurrency={"max_running": 3})
    ids = [system.submit("narrow") for _ in range(20)]
    tasks = [system.wait(task_id) for task_id in ids]
    moments = sorted([(task["started_at"], 1) for task in tasks] + [(task["finished_at"], -1) for task in tasks])
    running = peak = 0
    for _, change in moments:
        running += change
        peak = max(peak, running)
    assert 1 <= peak <= 3


def test_the_stream_tells_status_log_and_text(system: System, standin: Standin) -> None:
    with_dify(system, standin)
    task_id = system.submit("work", {"seconds": 0.5, "text": "hello"}, delay=0.3)
    events: list[str] = []
    with system.api.stream("GET", f"/tasks/{task_id}/stream") as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                events.append(line.removeprefix("event: "))
            if line == "event: end":
                break
    assert {"status", "log", "end"} <= set(events)
    assert "partial" in events


def test_many_tasks_in_one_batch(system: System) -> None:
    system.define("echo", runner="echo")
    lines = "\n".join(f'{{"type": "echo", "input_data": {{"n": {n}}}}}' for n in range(1000))
    answer = system.api.post("/tasks/batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 1000

    def all_done() -> bool:
        return bool(system.api.get("/stats").json()["by_status"]["completed"] == 1000)

    wait_for(all_done, "a thousand tasks")


# ── broken surroundings ─────────────────────────────────────────────────────────────────────────────────────────────


def up(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TRADEFREE, "up", *arguments],
        cwd=folder,
        env={"TRADEFREE_PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"TRADEFREE_DATABASE_URL": "sqlite+aiosqlite:////no/such/folder/x.db"}, "TRADEFREE_DATABASE_URL"),
        ({"TRADEFREE_DATABASE_URL": "oracle://x"}, "TRADEFREE_DATABASE_URL"),
        ({"TRADEFREE_BROKER_URL": "redis://127.0.0.1:1/0"}, "TRADEFREE_BROKER_URL"),
        ({"TRADEFREE_PORT": "70000"}, "TRADEFREE_PORT"),
        ({"TRADEFREE_SECRET_KEY": "short"}, "TRADEFREE_SECRET_KEY"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, environment: dict[str, str], named: str
) -> None:
    done = up(tmp_path, **environment)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = up(tmp_path, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "TRADEFREE_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_system_on_the_same_file_is_refused(system: System) -> None:
    done = up(system.folder, "--port", "0", TRADEFREE_DATABASE_URL=system.settings["TRADEFREE_DATABASE_URL"])
    assert done.returncode == 2
    assert "another" in done.stderr


def test_a_result_over_the_limit_is_clipped_and_its_size_and_hash_are_said(start_system: Callable[..., System]) -> None:
    system = start_system(max_output_bytes=1000)
    system.define("echo", runner="echo")
    big = {"type": "echo", "input_data": {"text": "x" * 2000}}
    small = {"type": "echo", "input_data": {"text": "x"}}
    items = system.api.post("/tasks/batch", json=[small, big, small]).json()["items"]
    tasks = [system.wait(item["task"]["id"]) for item in items]
    assert [task["status"] for task in tasks] == ["completed", "completed", "completed"]
    whole = json.dumps(big["input_data"], separators=(",", ":")).encode()
    assert [task["output_clipped"] for task in tasks] == [
        None,
        {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()},
        None,
    ]
    assert whole.decode().startswith(tasks[1]["output_data"]["$clipped"]["beginning"])
    assert "stored clipped" in system.log(tasks[1]["id"])[-1]["message"]


def test_secrets_stay_out_of_logs_and_answers(start_system: Callable[..., System], standin: Standin) -> None:
    system = start_system(log_level="debug")
    with_dify(system, standin)
    system.wait(system.submit("work", {"seconds": 0}))
    shown = system.api.get("/connections/dify").text + system.api.get("/connections").text
    logged = system.process.text().replace(system.key, "", 2)  # shown on purpose at the first start
    for secret in ("app-work", system.key):
        assert secret not in shown
        assert secret not in logged
    assert httpx.get(str(system.api.base_url.join("/healthz"))).status_code == 200
