"""Hooks over HTTP: definitions, and the doors themselves."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.service_world import API, MAX_BODY, World, a_world
from tradefree.access.scopes import Scope
from tradefree.events.ports import EventFilter

SECRET = "a secret of theirs"
GITHUB = {"preset": "github", "secrets": [SECRET]}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
async def door(world: World) -> httpx.AsyncClient:
    """A sender without a key, and a hook that it may send to."""
    assert (await world.api.put(f"{API}/hooks/code", json=GITHUB)).status_code == 201
    return world.client()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-Hub-Signature-256": f"sha256={signature}",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "d-1",
        "Content-Type": "application/json",
    }


async def test_a_signed_message_is_taken_without_a_key(world: World, door: httpx.AsyncClient) -> None:
    body = b'{"ref":  "main"}'

    first = await door.post("/hooks/code", content=body, headers=signed(body))
    again = await door.post("/hooks/code", content=body, headers=signed(body))

    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert first.json()["event_id"] == again.json()["event_id"]
    [event] = await world.system.store.events(EventFilter(), limit=9)
    assert (event.type, event.data, event.received_by) == ("com.github.push", {"ref": "main"}, "hook:code")


async def test_what_is_wrong_is_said_and_only_counted(world: World, door: httpx.AsyncClient) -> None:
    body = b'{"ref": "main"}'
    wrong = await door.post("/hooks/code", content=body, headers=signed(body, "another of theirs"))
    bare = await door.post("/hooks/code", content=body)
    text = await door.post("/hooks/code", content=b"payload=1", headers=signed(b"payload=1"))
    twice = await door.post("/hooks/code", content=b'{"a":1,"a":2}', headers=signed(b'{"a":1,"a":2}'))

    assert [answer.status_code for answer in (wrong, bare, text, twice)] == [401, 401, 400, 422]
    assert wrong.json()["type"] == "urn:tradefree:problem:bad-signature"
    assert "does not fit the body" in wrong.json()["detail"]
    assert "x-hub-signature-256 is missing" in bare.json()["detail"]
    assert "not JSON" in text.json()["detail"]
    assert "www-authenticate" not in wrong.headers
    await world.system.reception.close()
    shown = (await world.api.get(f"{API}/hooks/code")).json()
    assert {name: counted["number"] for name, counted in shown["received"].items()} == {
        "bad_signature": 2,
        "not_json": 2,
    }
    assert await world.system.store.events(EventFilter(), limit=9) == []


async def test_a_mapping_that_does_not_fit_names_its_part(world: World, door: httpx.AsyncClient) -> None:
    await world.api.put(f"{API}/hooks/code", json={**GITHUB, "event": {"subject": {"cel": "body.who.name"}}})

    answer = await door.post("/hooks/code", content=b"{}", headers=signed(b"{}"))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "event/subject"


async def test_bodies_have_a_bound_and_no_encoding(door: httpx.AsyncClient) -> None:
    large = b"[" + b"1," * MAX_BODY + b"1]"

    assert (await door.post("/hooks/code", content=large, headers=signed(large))).status_code == 413
    packed = await door.post("/hooks/code", content=b"{}", headers={**signed(b"{}"), "Content-Encoding": "gzip"})
    assert packed.status_code == 415


async def test_no_such_door(world: World, door: httpx.AsyncClient) -> None:
    assert (await door.post("/hooks/nobody", content=b"{}", headers=signed(b"{}"))).status_code == 404
    assert (await door.get("/hooks/code")).status_code == 405
    await world.api.put(f"{API}/hooks/code", json={**GITHUB, "enabled": False})
    assert (await door.post("/hooks/code", content=b"{}", headers=signed(b"{}"))).status_code == 404


async def test_secrets_go_in_and_never_come_out(world: World) -> None:
    made = await world.api.put(f"{API}/hooks/code", json=GITHUB)
    read = await world.api.get(f"{API}/hooks/code")
    listed = await world.api.get(f"{API}/hooks")

    for answer in (made, read, listed):
        assert SECRET not in answer.text
    assert read.json()["secrets_set"] == 1
    assert read.json()["path"] == "/hooks/code"
    assert [item["name"] for item in listed.json()["items"]] == ["code"]


async def test_without_secrets_the_stored_ones_are_kept(world: World, door: httpx.AsyncClient) -> None:
    kept = await world.api.put(f"{API}/hooks/code", json={"preset": "github", "description": "new"})
    other = await world.api.put(f"{API}/hooks/code", json={"preset": "shopify"})
    fresh = await world.api.put(f"{API}/hooks/fresh", json={"preset": "github"})

    assert (kept.status_code, kept.json()["description"]) == (200, "new")
    assert (await door.post("/hooks/code", content=b"{}", headers=signed(b"{}"))).status_code == 202
    for answer in (other, fresh):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "secrets"


async def test_secrets_change_without_a_gap(world: World, door: httpx.AsyncClient) -> None:
    new = "another of theirs"
    await world.api.put(f"{API}/hooks/code", json={**GITHUB, "secrets": [new, SECRET]})
    for secret in (new, SECRET):
        assert (await door.post("/hooks/code", content=b"{}", headers=signed(b"{}", secret))).status_code == 202

    await world.api.put(f"{API}/hooks/code", json={**GITHUB, "secrets": [new]})

    assert (await door.post("/hooks/code", content=b"{}", headers=signed(b"{}"))).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"secrets": [SECRET]}, "preset"),
        ({**GITHUB, "preset": "paypal"}, "preset"),
        ({**GITHUB, "secrets": ["short"]}, "secrets"),
        ({**GITHUB, "secrets": [SECRET] * 3}, "secrets"),
        ({**GITHUB, "event": {"type": {"cel": "body."}}}, "event/type"),
        ({**GITHUB, "tolerance": "2d"}, "tolerance"),
        ({**GITHUB, "colour": 1}, "colour"),
        ({**GITHUB, "name": "other"}, "name"),
        ({"preset": "hmac", "secrets": [SECRET]}, ""),
    ],
)
async def test_a_bad_definition_names_the_field_and_no_secret(world: World, body: Any, field: str) -> None:
    answer = await world.api.put(f"{API}/hooks/code", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert SECRET not in answer.text
    assert (await world.api.get(f"{API}/hooks")).json()["items"] == []


async def test_delete(world: World, door: httpx.AsyncClient) -> None:
    assert (await world.api.delete(f"{API}/hooks/code")).status_code == 204
    assert (await world.api.delete(f"{API}/hooks/code")).status_code == 404
    assert (await world.api.get(f"{API}/hooks/code")).status_code == 404
    assert (await door.post("/hooks/code", content=b"{}", headers=signed(b"{}"))).status_code == 404


async def test_scopes(world: World) -> None:
    reader = await world.as_key(Scope.DEFINITIONS_READ)

    assert (await reader.get(f"{API}/hooks")).status_code == 200
    assert (await reader.put(f"{API}/hooks/code", json=GITHUB)).status_code == 403
    assert (await reader.delete(f"{API}/hooks/code")).status_code == 403
