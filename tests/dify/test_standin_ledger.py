"""The ledger and the judge: what ran, when, and whether anything ran twice at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tradefree.testing.dify_standin import (
    DEMO_APPS,
    DifyStandin,
    Entry,
    load,
    overlapping_runs,
    peak_running,
    read_ledger,
    runs_by_task,
)

APP = {
    "name": "work",
    "inputs": ["customer", {"name": "seconds", "type": "number", "default": 0}],
    "nodes": [{"type": "http-request", "seconds": "{seconds}"}],
}


def entry(user: str, accepted: float, ended: float | None, **fields: Any) -> Entry:
    made = Entry(run_id=f"{user}@{accepted}", task_id="t", app="work", user=user, mode="streaming", inputs_digest="d")
    made.accepted_mono = made.started_mono = accepted
    made.ended_mono = ended
    made.outcome = None if ended is None else "succeeded"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


async def run(session: aiohttp.ClientSession, base_url: str, user: str, key: str = "app-work", **inputs: Any) -> bytes:
    body = {"inputs": {"customer": "c1", **inputs}, "user": user, "response_mode": "streaming"}
    async with session.post(
        f"{base_url}/workflows/run", json=body, headers={"Authorization": f"Bearer {key}"}
    ) as response:
        return await response.read()


async def test_peaks_are_counted_overall_per_app_and_per_input() -> None:
    options: dict[str, Any] = {"timing": {"scale": 0.01}, "group_by": ["customer"], "slots": 3}
    async with DifyStandin([APP], **options) as server, aiohttp.ClientSession() as session:
        customers = ["c1", "c1", "c2", "c1", "c2"]
        work = [run(session, server.base_url, f"tf-{n}-1", customer=who, seconds=50) for n, who in enumerate(customers)]
        await asyncio.gather(*work)
        peak = server.ledger.summary()["peak"]
        entries = list(server.ledger.entries.values())
        assert (peak["running"], peak["open"]) == (3, 5)
        assert peak["by_group"]["app=work"] == 3
        assert peak["by_group"]["customer=c1"] == peak_running(entries, "customer=c1")
        assert peak_running(entries) == peak_running(entries, "app=work") == 3
        assert overlapping_runs(entries) == []


async def test_two_runs_of_one_task_at_once_are_found() -> None:
    async with DifyStandin([APP], timing={"scale": 0.01}) as server, aiohttp.ClientSession() as session:
        first = asyncio.create_task(run(session, server.base_url, "tf-order-7-1", seconds=80))
        await asyncio.sleep(0.05)
        await asyncio.gather(run(session, server.base_url, "tf-order-7-2"), run(session, server.base_url, "tf-other-1"))
        await first
        ((one, two),) = overlapping_runs(server.ledger.entries.values())
        assert (one.user, two.user) == ("tf-order-7-1", "tf-order-7-2")


def test_overlaps_are_judged_by_acceptance_and_end() -> None:
    apart = [entry("tf-a-1", 0, 5), entry("tf-a-2", 5, 6)]
    assert overlapping_runs(apart) == []
    inside_a_long_one = [entry("tf-a-1", 0, 9), entry("tf-a-2", 1, 2), entry("tf-a-3", 3, 4)]
    assert len(overlapping_runs(inside_a_long_one)) == 2
    assert len(overlapping_runs([entry("tf-a-1", 0, None), entry("tf-a-2", 50, 51)])) == 1
    assert overlapping_runs([entry("tf-a-1", 0, None, outcome="hung"), entry("tf-a-2", 1, 2)]) == []


def test_a_stopped_run_may_be_counted_until_its_node_ended() -> None:
    entries = [entry("tf-a-1", 0, 2, outcome="stopped", busy_until_mono=9.0), entry("tf-a-2", 3, 4)]
    assert overlapping_runs(entries) == []
    assert len(overlapping_runs(entries, leftovers=True)) == 1


def test_users_are_parsed_by_a_pattern() -> None:
    entries = [entry("job:7/1", 0, 1), entry("job:7/2", 2, 3), entry("somebody", 0, 9)]
    found = runs_by_task(entries, r"^job:(?P<task>\d+)/\d+$")
    assert {task: len(runs) for task, runs in found.items()} == {"7": 2}


async def test_the_ledger_over_http_and_a_live_change_and_a_reset() -> None:
    async with DifyStandin([APP], slots=0, timing={"scale": 0.01}) as server, aiohttp.ClientSession() as session:
        waiting = asyncio.create_task(run(session, server.base_url, "tf-1-1"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await post(session, f"{server.origin}/standin/control", {"slots": 1, "apps": {"work": {"behaviour": "fail"}}})
        assert b'"succeeded","outputs":{"customer"' in await waiting
        assert b'"status":"failed"' in await run(session, server.base_url, "tf-2-1")
        async with session.get(f"{server.origin}/standin/ledger") as response:
            seen = await response.json()
        assert seen["summary"]["outcomes"] == {"succeeded": 1, "failed": 1}
        assert [one["user"] for one in seen["runs"]] == ["tf-1-1", "tf-2-1"]
        await post(session, f"{server.origin}/standin/reset", {})
        assert server.ledger.summary()["runs"] == 0
        assert server.engine.slots == 0
        assert server.apps[0].behaviour.fail is None


@pytest.mark.parametrize("change", [{"slot": 1}, {"apps": {"nobody": {}}}])
async def test_a_wrong_change_is_refused(change: dict[str, Any]) -> None:
    async with DifyStandin([APP]) as server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientResponseError):
            await post(session, f"{server.origin}/standin/control", change)


async def post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> None:
    async with session.post(url, json=body) as response:
        response.raise_for_status()


async def test_the_file_tells_the_same_as_the_live_ledger(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    options: dict[str, Any] = {"ledger_file": file, "timing": {"scale": 0.01}, "group_by": ["customer"]}
    async with DifyStandin([APP], **options) as server, aiohttp.ClientSession() as session:
        await asyncio.gather(*(run(session, server.base_url, f"tf-{n}-1", seconds=5) for n in range(3)))
        assert read_ledger(file) == list(server.ledger.entries.values())


async def test_the_file_survives_a_killed_process(tmp_path: Path) -> None:
    apps, file = tmp_path / "apps.yaml", tmp_path / "ledger.jsonl"
    apps.write_text(yaml.safe_dump({"apps": [APP], "timing": {"scale": 0.01}}))
    process, url = await spawn("--apps", str(apps), "--ledger", str(file))
    async with aiohttp.ClientSession() as session:
        await run(session, url, "tf-done-1")
        left = asyncio.create_task(run(session, url, "tf-open-1", seconds=100_000))
        while b"tf-open-1" not in file.read_bytes():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        with pytest.raises(aiohttp.ClientError):
            await left
    file.write_bytes(file.read_bytes() + b'{"fact": "ended", "run_')
    assert [(one.user, one.outcome) for one in read_ledger(file)] == [("tf-done-1", "succeeded"), ("tf-open-1", None)]
    async with DifyStandin(apps, ledger_file=file) as server, aiohttp.ClientSession() as session:
        await run(session, server.base_url, "tf-open-2")
    outcomes = {one.user: one.outcome for one in read_ledger(file)}
    assert outcomes == {"tf-done-1": "succeeded", "tf-open-1": "killed", "tf-open-2": "succeeded"}
    assert overlapping_runs(read_ledger(file)) == []


async def spawn(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    command = [sys.executable, "-m", "tradefree.testing.dify_standin", "--port", "0", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    return process, ready["url"]


async def test_the_demo_apps_give_what_a_trading_company_expects() -> None:
    process, url = await spawn()
    try:
        async with aiohttp.ClientSession() as session:
            title = {"title": "新款不锈钢保温杯 500毫升"}
            triage = {"message": "我的快递还没到", "customer_id": "c9"}
            order = {"order_id": "SO-1", "customer_id": "c9", "product": "保温杯", "quantity": 20, "amount": 1999.5}
            work: dict[str, dict[str, Any]] = {
                "listing-translation": title,
                "message-triage": triage,
                "order-summary": {**order, "notes": "请加急"},
            }
            answers = await asyncio.gather(
                *(run(session, url, f"tf-{name}-1", f"app-demo-{name}", **inputs) for name, inputs in work.items())
            )
    finally:
        process.terminate()
        assert await process.wait() == 0
    translated, sorted_out, summary = (json.loads(answer.split(b"data: ")[-1])["data"] for answer in answers)
    assert translated["outputs"]["title_en"] == "New model stainless steel vacuum flask 500 ml"
    assert sorted_out["outputs"]["category"] == "shipping"
    assert summary["outputs"]["attention"] == "urgent"
    assert summary["outputs"]["summary"].startswith("订单 SO-1：客户 c9 订购 保温杯 × 20，合计 1999.5 CNY。")
    assert summary["outputs"]["usage"]["total_tokens"] == summary["total_tokens"] == 420


def test_the_demo_file_is_valid_and_covers_three_apps() -> None:
    assert [app.name for app in load(DEMO_APPS).apps] == ["order-summary", "listing-translation", "message-triage"]
