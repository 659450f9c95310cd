"""Asking a system of several services, of which some may be dead."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tradefree.testing.cluster import Cluster


class AnyService:
    """A client of whichever service answers."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.api = httpx.Client(headers={"Authorization": f"Bearer {cluster.api_key}"}, timeout=30)

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Ask until one answers without an error of its own; any other refusal fails the test."""
        for _ in range(200):
            for service in self.cluster.services:
                try:
                    answer = self.api.request(method, f"{service.url}/api/v1{path}", **request)
                except httpx.HTTPError:
                    continue
                if answer.status_code < 500:
                    assert answer.status_code < 300, answer.text
                    return answer.json()
            time.sleep(0.1)
        raise AssertionError("no service answers")
