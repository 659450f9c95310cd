"""A person with a browser: signs in, goes to pages, and hears what the browser complains of."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from console.contract import CONSOLE

PATIENCE = 30_000
"""Milliseconds anything may take to appear on a busy machine."""
AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective))"
STILL = """() => document.getAnimations().every(
    moving => moving.playState !== 'running' || moving.effect.getComputedTiming().iterations === Infinity)"""


class Served(Protocol):
    """A system that serves the console."""

    key: str

    @property
    def api(self) -> httpx.Client: ...


@dataclass
class Visitor:
    """One browser's profile with one page."""

    system: Served
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the console."""
        self.page.goto(self.url(path))
        return self.page

    def url(self, path: str) -> str:
        return f"{str(self.system.api.base_url).removesuffix('/api/v1/')}{path}"

    def sign_in(self, key: str) -> None:
        """Type a key into the form that is there."""
        self.page.get_by_label(re.compile("^API (key|密钥)$")).fill(key)
        self.page.keyboard.press("Enter")

    def button(self, name: str, *, inside: Page | Locator | None = None) -> Locator:
        """The button with this text, be there an icon before it or not."""
        exactly = re.compile(rf"^([a-z-]+ )?{re.escape(name)}$")
        return (inside or self.page).get_by_role("button", name=exactly)

    def choose(self, name: str, option: str) -> None:
        """Choose from a list in the dialog that is open."""
        self.page.get_by_role("dialog").get_by_role("combobox", name=name).fill(option)
        self.page.locator(".ant-select-item-option").get_by_text(option, exact=True).click()

    def axe(self, inside: str = "html") -> list[str]:
        """What axe finds wrong with the page as it is, one line for each. What fades in is waited for."""
        self.page.wait_for_function(STILL)
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        # names of controls, contrast, structure: what WCAG 2.2 AA asks for
        found = self.page.evaluate(
            "inside => axe.run(inside, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})", inside
        )
        return [
            f"{one['id']}: {node['html'][:200]} ({node['failureSummary'].splitlines()[1].strip()})"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def axe_in_both_themes(self, inside: str = "html") -> list[str]:
        """The same in light and in dark, for one whose theme is the system's."""
        found: list[str] = []
        themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for theme in themes:
            self._look_at(theme)
            found += [f"{theme}: {line}" for line in self.axe(inside)]
        return found

    def _look_at(self, theme: Literal["light", "dark"]) -> None:
        """Set the system's theme. Chromium at times tells a page nothing of that until it changes once more."""
        shown = self.page.locator(f":root[data-theme={theme}]")
        for _ in range(3):
            self.page.emulate_media(color_scheme=theme)
            with contextlib.suppress(AssertionError):
                return expect(shown).to_have_count(1, timeout=5000)
            self.page.emulate_media(color_scheme="dark" if theme == "light" else "light")
        raise AssertionError(f"the page does not follow the system to {theme}")

    def check(self) -> None:
        """Fail if the browser complained, or the page's policy stopped anything."""
        stopped = self.page.evaluate("window.violations")
        assert self.complaints + stopped == [], self.complaints + stopped


class Visits:
    """Makes visitors, and looks at each of them at the end."""

    def __init__(self, system: Served, browser: Browser) -> None:
        self._system = system
        self._browser = browser
        self._visitors: list[Visitor] = []

    def somebody(self, *, language: str = "en", theme: str = "light", **context: Any) -> Visitor:
        """Nobody is signed in yet."""
        made = self._browser.new_context(viewport={"width": 1280, "height": 860}, **context)
        made.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        chosen = json.dumps({"language": language, "theme": theme})
        made.add_init_script(
            f"{WATCH}; localStorage.getItem('tradefree.preferences') ?? "
            f"localStorage.setItem('tradefree.preferences', {json.dumps(chosen)})"
        )
        visitor = Visitor(self._system, made, made.new_page())
        home = visitor.url("/")

        def asked(request: Request) -> None:
            if not request.url.startswith((home, "data:", "blob:")):
                visitor.complaints.append(f"it asked another host: {request.url}")

        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on("request", asked)
        self._visitors.append(visitor)
        return visitor

    def with_key(self, key: str, **choices: Any) -> Visitor:
        """Signed in, and before no page yet. The form is not in the way: it has tests of its own."""
        visitor = self.somebody(**choices)
        answer = visitor.context.request.post(visitor.url("/api/v1/console/session"), data={"api_key": key})
        assert answer.ok, answer.text()
        return visitor

    def admin(self, **choices: Any) -> Visitor:
        return self.with_key(self._system.key, **choices)

    def with_scopes(self, *scopes: str, **rules: Any) -> Visitor:
        """A person with a fresh key."""
        answer = self._system.api.post("/api-keys", json={"name": "a person", "scopes": list(scopes), **rules})
        return self.with_key(answer.json()["key"])

    def close(self) -> None:
        try:
            for visitor in self._visitors:
                visitor.check()
        finally:
            for visitor in self._visitors:
                visitor.context.close()
