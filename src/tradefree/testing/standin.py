"""The stand-in Dify as a process of its own, with its ledger in a file that survives every kill."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tradefree.testing.cluster import TRADEFREE
from tradefree.testing.dify_standin import Entry, read_ledger
from tradefree.testing.processes import Child


class Standin(Child):
    """``tradefree dify-standin`` with these apps (see ``dify_standin.Config``), on the same port at every start."""

    def __init__(self, folder: Path, apps: Mapping[str, Any]) -> None:
        super().__init__(folder)
        self._apps = folder / "apps.yaml"
        self._apps.write_text(json.dumps(apps), encoding="utf-8")
        self._ledger = folder / "ledger.jsonl"

    @property
    def base_url(self) -> str:
        """What a Dify client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def command(self) -> Sequence[str]:
        return [
            *(TRADEFREE, "dify-standin", "--port", str(self.port)),
            *("--apps", str(self._apps), "--ledger", str(self._ledger)),
        ]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def control(self, **change: Any) -> None:
        """Change it while it runs; see ``dify_standin.control_routes.Control``."""
        body = json.dumps(change).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/standin/control", body, method="POST")
        with urllib.request.urlopen(request, timeout=5):
            pass

    def refused(self) -> int:
        """How many calls it has refused for want of room since it began."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/standin/ledger?runs=0", timeout=5) as answer:
            return int(json.load(answer)["summary"]["refused"].get("too_many_requests", 0))

    def runs(self) -> list[Entry]:
        """Every run it ever began, from the ledger's file."""
        return read_ledger(self._ledger)
