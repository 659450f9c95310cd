"""The secret key is changed while the system works: nothing fails, and the old key is not needed afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable

from acceptance.processes import TRADEFREE, Standin, System
from tradefree.access.secrets import new_key

OLD, NEW = new_key(), new_key()


def restarted(system: System, keys: str) -> None:
    """Start it again with these keys."""
    system.process.kill(signal.SIGTERM)
    system.settings["TRADEFREE_SECRET_KEY"] = keys
    system.start()


def rotate(system: System) -> str:
    """Rotate as an operator does, beside the running system."""
    done = subprocess.run(
        [TRADEFREE, "secrets", "rotate"],
        env={**os.environ, **system.settings},
        cwd=system.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_secret_key_is_changed_under_work(start_system: Callable[..., System], standin: Standin) -> None:
    system = start_system(secret_key=OLD)
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner="dify.workflow", connection="dify")
    restarted(system, f"{NEW},{OLD}")
    ids: list[str] = []
    said: list[str] = []
    rotating = threading.Thread(target=lambda: said.append(rotate(system)))
    rotating.start()
    while rotating.is_alive() or len(ids) < 20:
        ids.append(system.submit("work", {"seconds": 0.01}))
        system.wait(ids[-1])
    rotating.join()
    assert "renewed\t1" in said[0]
    restarted(system, NEW)
    ids.append(system.submit("work", {"seconds": 0.01}))
    assert {system.wait(task_id)["status"] for task_id in ids} == {"completed"}
    (line,) = [e for e in system.api.get("/audit").json()["items"] if e["action"] == "secrets.rotate"]
    assert line["detail"]["renewed"] == 1
    assert "tradefree secrets" in line["actor"]
