"""The console's pages: who gets them, and what a browser may do with them."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.service_world import API, World, a_world
from tradefree.service.app import create_app

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = "console.log(1);" * 100


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """What ``make console`` leaves."""
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(
        '<meta property="csp-nonce" nonce="__CSP_NONCE__"><style nonce="__CSP_NONCE__"></style>The console'
    )
    (folder / "assets" / "index-Ab12.js").write_text(SCRIPT)
    (folder / "assets" / "x-Cd34.woff2").write_bytes(b"\0font")
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("hidden")
    return folder


@pytest.fixture
def built(world: World, build: Path) -> httpx.AsyncClient:
    """A client of a service that has a console."""
    world.app = create_app(world.system, console=build)
    return world.client()


@pytest.mark.parametrize("path", ["/", "/tasks", "/tasks/123", "/hooks/shop", "/workers/a.b", "/tasks/a%2Fb"])
async def test_a_browser_gets_the_page_wherever_it_goes(built: httpx.AsyncClient, path: str) -> None:
    answer = await built.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.text.endswith("The console")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_policy_lets_nothing_in_but_our_own(built: httpx.AsyncClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = await built.get("/", headers=BROWSER)
        (policy,) = answer.headers.get_list("Content-Security-Policy")
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        style = rules.pop("style-src")
        assert rules == {
            "default-src": "'none'",
            "script-src": "'self'",
            "connect-src": "'self'",
            "img-src": "'self' data:",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        found = re.fullmatch(r"'self' 'nonce-([\w-]{22})'", style)
        assert found is not None
        nonces.add(found[1])
        assert answer.text.count(f'nonce="{found[1]}"') == 2
        assert "__CSP_NONCE__" not in answer.text
    assert len(nonces) == 2, "each answer has its own"


async def test_programs_get_what_they_got(built: httpx.AsyncClient, world: World) -> None:
    landing = await built.get("/")
    assert landing.json()["links"]["api"] == API
    assert landing.headers["Vary"] == "Accept"
    for path in ("/nowhere", "/tasks/1", f"{API}/nowhere", "/assets/nowhere.js"):
        answer = await built.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await built.get("/hooks/shop")).status_code == 405
    assert (await built.post("/tasks", headers=BROWSER)).status_code == 404


@pytest.mark.parametrize("path", [f"{API}/nowhere", "/assets/old-Ff00.js"])
async def test_a_browser_gets_no_page_instead_of_a_file_or_an_answer(built: httpx.AsyncClient, path: str) -> None:
    assert (await built.get(path, headers=BROWSER)).status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/healthz", "/readyz"])
async def test_other_pages_stay(built: httpx.AsyncClient, path: str) -> None:
    answer = await built.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert "The console" not in answer.text


async def test_files_are_kept_for_good_and_sent_compressed(built: httpx.AsyncClient) -> None:
    answer = await built.get("/assets/index-Ab12.js")
    assert answer.text == SCRIPT
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(gzip.compress(SCRIPT.encode(), 9))
    plain = await built.get("/assets/index-Ab12.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == SCRIPT
    assert "Content-Encoding" not in plain.headers
    font = await built.get("/assets/x-Cd34.woff2")
    assert font.content == b"\0font"
    assert "Content-Encoding" not in font.headers
    icon = await built.get("/favicon.svg")
    assert icon.headers["Cache-Control"] == "no-cache"
    head = await built.head("/assets/index-Ab12.js")
    assert head.status_code == 200
    assert head.content == b""


@pytest.mark.parametrize("path", ["/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "//secret.txt"])
async def test_nothing_beside_the_build_is_served(world: World, build: Path, path: str) -> None:
    app = create_app(world.system, console=build)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path.replace("%2f", "/"),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"accept", b"text/html")],
        "root_path": "",
    }
    await app(scope, receive, send)
    assert b"hidden" not in b"".join(message.get("body", b"") for message in sent)


async def test_without_a_build_a_page_says_how_to_get_it(world: World, tmp_path: Path) -> None:
    world.app = create_app(world.system, console=tmp_path / "nowhere")
    answer = await world.client().get("/", headers=BROWSER)
    assert answer.status_code == 200
    assert "make console" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (await world.client().get("/tasks", headers=BROWSER)).status_code == 404
    assert "links" in (await world.client().get("/")).json()
