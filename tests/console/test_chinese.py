"""The console in Chinese says in Chinese what the service says in English."""

from __future__ import annotations

from playwright.sync_api import expect

from acceptance.processes import System
from console.visitor import Visits


def test_a_task_its_log_and_its_failure(visits: Visits, system: System) -> None:
    system.define("slow", runner="echo", options={"delay": "60s"}, timeout="1s", retry={"max_attempts": 1})
    failed = system.api.post("/tasks", json={"type": "slow"}, headers={"Prefer": "wait=30"}).json()
    assert failed["status"] == "failed"
    visitor = visits.admin(language="zh")
    page = visitor.go(f"/tasks/{failed['id']}")
    log = page.get_by_role("log")
    for sentence in ("已接收。", "第 1 次尝试开始，此前等待了", "失败：超过了时限。"):
        expect(log.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_role("alert").get_by_text("超过了时限。")).to_be_visible()
    page.get_by_label("搜索日志").fill("已接收")  # what is shown is found, and so is what is stored
    expect(log.locator(".log-line")).to_have_count(1)
    page.get_by_label("搜索日志").fill("accepted.")
    expect(log.locator(".log-line")).to_have_count(1)
    visitor.go("/logs")
    expect(log.get_by_text("失败：超过了时限。").first).to_be_visible()


def test_a_refusal(visits: Visits, system: System) -> None:
    visitor = visits.somebody(language="zh")
    visitor.go("/")
    visitor.sign_in(system.key[:-1])
    refused = visitor.page.get_by_role("alert")
    expect(refused.get_by_text("需要有效的 API 密钥")).to_be_visible()
    expect(refused.get_by_text("API 密钥的格式不正确：是否完整复制？")).to_be_visible()
