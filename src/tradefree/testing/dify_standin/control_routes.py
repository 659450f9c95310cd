"""The stand-in's own endpoints under /standin: what it saw, start again, change while running."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from tradefree.testing.dify_standin.behaviour import Behaviour, Rule
from tradefree.testing.dify_standin.engine import Engine
from tradefree.testing.dify_standin.envelope import ENGINE
from tradefree.testing.dify_standin.gate import GATE, Gate


class AppChange(BaseModel):
    """What can be changed of an app; only what is given changes, and `behaviour` is replaced as a whole."""

    model_config = ConfigDict(extra="forbid")

    behaviour: Behaviour = Behaviour()
    rules: list[Rule] = []
    published: bool = True
    enabled: bool = True
    max_active_requests: int | None = None


class Control(BaseModel):
    """A change of the running server; only what is given changes."""

    model_config = ConfigDict(extra="forbid")

    slots: int | None = None
    connections: int | None = None
    apps: dict[str, AppChange] = {}
    """By app name."""


def apply(engine: Engine, gate: Gate, change: Control) -> None:
    """Make the change. Runs under way keep their behaviour. Raises `KeyError` for an unknown app."""
    by_name = {app.name: app for app in engine.apps.values()}
    changed = {name: by_name[name] for name in change.apps}
    for name, app in changed.items():
        update = {field: getattr(change.apps[name], field) for field in change.apps[name].model_fields_set}
        engine.apps[app.key] = app.model_copy(update=update)
    if "slots" in change.model_fields_set:
        engine.slots = change.slots
    if "connections" in change.model_fields_set:
        gate.places = change.connections


async def show_ledger(request: web.Request) -> web.Response:
    """GET /standin/ledger: `summary`, and all runs unless `?runs=0`."""
    ledger = request.app[ENGINE].ledger
    found: dict[str, Any] = {"summary": ledger.summary()}
    if request.query.get("runs") != "0":
        found["runs"] = list(ledger.entries.values())
    return web.Response(body=orjson.dumps(found), content_type="application/json")


async def reset(request: web.Request) -> web.Response:
    """POST /standin/reset: runs are dropped, counts are zero, apps are as configured."""
    engine = request.app[ENGINE]
    engine.reset()
    request.app[GATE].places = engine.config.connections
    return web.json_response({"result": "success"})


async def control(request: web.Request) -> web.Response:
    """POST /standin/control with a `Control` object. 400 says what is wrong with it."""
    try:
        apply(request.app[ENGINE], request.app[GATE], Control.model_validate_json(await request.read()))
    except ValidationError as error:
        return web.json_response({"error": str(error)}, status=400)
    except KeyError as error:
        return web.json_response({"error": f"no app is named {error.args[0]!r}"}, status=400)
    return web.json_response({"result": "success"})
