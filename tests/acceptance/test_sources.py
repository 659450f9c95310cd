"""What raises events, over the running system: a foreign webhook and a schedule, from the wire to the stored event."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from acceptance.processes import TRADEFREE, System
from waiting import wait_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DEFINITIONS = """
hooks:
  shop: {preset: standard-webhooks, secrets: ["${SHOP_SECRET}"]}
schedules:
  tick: {every: 1s, event: {type: com.example.tick, data: {n: 1}}}
"""


def tradefree(system: System, *words: str) -> Any:
    """Run a command against the system; its JSON."""
    environment = {**os.environ, **system.settings, "SHOP_SECRET": SECRET, "TRADEFREE_API_KEY": system.key}
    environment["TRADEFREE_API_URL"] = str(system.api.base_url).removesuffix("/api/v1/")
    done = subprocess.run(
        [TRADEFREE, *words, "--json"], env=environment, cwd=system.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def send(system: System, body: bytes, *, id_: str = "msg_1", secret: str = SECRET) -> httpx.Response:
    """As a sender does, with the library of Standard Webhooks."""
    now = datetime.now(UTC)
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, now, body.decode()),
    }
    return httpx.post(f"{system.api.base_url.copy_with(path='/hooks/shop')}", content=body, headers=headers)


def test_a_webhook_and_a_schedule_raise_events(system: System) -> None:
    (system.folder / "definitions.yaml").write_text(DEFINITIONS)
    applied = tradefree(system, "apply", "-f", "definitions.yaml")
    assert [(item["kind"], item["outcome"]) for item in applied["items"]] == [
        ("hook", "created"),
        ("schedule", "created"),
    ]
    body = b'{"type": "order.created", "data": {"order": 7}}'
    first = wait_for(lambda: answer if (answer := send(system, body)).status_code != 404 else None, "the hook")

    again = send(system, body)
    forged = send(system, body, secret="whsec_plJ3nmyCDGBKInavdOK15jsl")

    assert (first.status_code, first.json()["repeated"]) == (202, False)
    assert (again.status_code, again.json()) == (202, {"event_id": first.json()["event_id"], "repeated": True})
    assert (forged.status_code, forged.json()["title"]) == (401, "The webhook is not signed as it should be")

    def counted() -> bool:
        received = tradefree(system, "hooks", "show", "shop")["received"]
        return {k: v["number"] for k, v in received.items()} == {"accepted": 1, "repeated": 1, "bad_signature": 1}

    wait_for(counted, "the numbers")
    wait_for(lambda: len(tradefree(system, "schedules", "runs", "tick")["items"]) >= 3, "three runs")
    runs = tradefree(system, "schedules", "runs", "tick")["items"]
    assert {run["outcome"] for run in runs} == {"raised"}
    assert len({run["event_id"] for run in runs}) == len(runs)
    assert tradefree(system, "schedules", "pause", "tick", "--reason", "enough")["state"] == "paused"
    assert tradefree(system, "apply", "-f", "definitions.yaml")["items"][0]["outcome"] == "unchanged"
    system.process.kill()
    assert SECRET not in system.process.text()
