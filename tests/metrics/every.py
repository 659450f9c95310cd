"""Every metric there is, with its type and labels: from a process in which everything has happened once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

from prometheus_client.core import Metric

from domain.limited import Limited
from tradefree.clock import Clock
from tradefree.metrics.happened import Happened
from tradefree.metrics.page import Page
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.measure import Measuring
from tradefree.tasks.outcome import Completed, DidNotWork
from tradefree.tasks.ports import MeasureStore
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUFFIXES = ("_total", "_info", "_bucket", "_count", "_sum")


def every_family() -> dict[str, tuple[str, set[str]]]:
    """Names as rules and dashboards write them (of a histogram without ``_bucket``), with type and labels."""
    return {_name(family): (family.type, _labels(family)) for family in asyncio.run(_families())}


async def _families() -> list[Metric]:
    happened = Happened("1")
    page = Page(happened, Measuring(*await _system()).picture)
    _everything_happens(happened)
    await page.render("")
    return [family for family in happened.registry.collect() if family.name.startswith("tradefree_")]


async def _system() -> tuple[MeasureStore, Catalog, Clock]:
    system = Limited()
    await system.connect("bot", adaptive=True)
    await system.define("work", connection="bot")
    await system.limit("queue:default", max_running=1)
    await system.worker()
    await system.many(3, "work")
    await system.admitted()
    system.store._tables.ceilings["bot"] = {"level": 3.0, "reason": "seen"}
    return system.store, system.catalog, system.clock


def _everything_happens(happened: Happened) -> None:
    work = Task("t", "work", Status.PROCESSING, NOW, NOW, NOW, NOW, "work/", attempt_count=1, started_at=NOW)
    call = Task("c", CALLBACK, Status.PROCESSING, NOW, NOW, NOW, NOW, f"{CALLBACK}/", attempt_count=1, started_at=NOW)
    spent = Usage(total_tokens=3, prompt_tokens=1, price=Decimal(1), currency="USD")
    for task, outcome in ((work, Completed({}, spent)), (call, DidNotWork("http_500", "No.", retryable=True))):
        happened.began(task)
        happened.ended(task, "bot", outcome, 1.0)
    happened.answered("GET", "/healthz", 200, 0.1)


def _name(family: Metric) -> str:
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


def _labels(family: Metric) -> set[str]:
    return {label for sample in family.samples for label in sample.labels} - {"le"}
