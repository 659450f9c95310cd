"""``apply``: bring the database to what YAML files say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render
from tradefree.cli.exits import note
from tradefree.cli.options import AsJson
from tradefree.cli.person import person
from tradefree.cli.session import with_store

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tradefree.cli.manifest import Manifest
    from tradefree.database.store import SqlStore
    from tradefree.limits.scopes import Scope
    from tradefree.tasks.ports import Entry

Change = tuple[str, str, str]
"""Kind, name and ``created``, ``changed`` or ``unchanged``."""


def apply(
    files: Annotated[list[Path], typer.Option("--file", "-f", metavar="FILE", help="YAML; may be repeated.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load connections, limits, task types, triggers, hooks, schedules, subscriptions from YAML into the database.

    Values may contain ${ENV} and ${ENV:-default}. All files are checked before anything is written; what is not in
    them stays as it is.

    \b
    tradefree apply -f connections.yaml -f task-types.yaml --dry-run
    """
    from tradefree.cli.manifest import load

    manifest = load(files, os.environ)
    changes = with_store(lambda store: _bring(store, manifest, dry_run=dry_run))
    if as_json:
        items = [{"kind": kind, "name": name, "outcome": outcome} for kind, name, outcome in changes]
        render.document({"dry_run": dry_run, "items": items})
    else:
        columns: render.Columns = (("kind", "text"), ("name", "text"), ("outcome", "status"))
        render.table(columns, changes, empty="The files define nothing.")
    if dry_run:
        note("Nothing was written (--dry-run).")


async def _bring(store: SqlStore, manifest: Manifest, *, dry_run: bool) -> list[Change]:
    from tradefree.bootstrap import make_endpoints, make_guard, make_runners
    from tradefree.clock import SystemClock
    from tradefree.database.migrate import require_current
    from tradefree.settings import load_settings

    await require_current(store.database)
    connections = await store.connections()
    _, task_types = await store.task_types()
    limits = (await store.limits()).baselines
    triggers = {kept.trigger.name: kept.trigger for kept in (await store.triggers())[1]}
    hooks = await store.hooks()
    schedules = {name: standing.schedule for name, standing in (await store.schedules()).items()}
    now = SystemClock().now()
    manifest.check(make_runners(), connections, limits, task_types)
    manifest.check_schedules(schedules, now)
    manifest.check_addresses(make_guard(load_settings()))
    await manifest.derive_schemas(make_endpoints(), connections)
    kinds: list[tuple[str, Mapping[Any, BaseModel], Mapping[Any, BaseModel]]] = [
        ("connection", connections, manifest.connections),
        ("limit", limits, manifest.limits),
        ("task type", task_types, manifest.task_types),
        ("trigger", triggers, manifest.triggers),
        ("hook", hooks, manifest.hooks),
        ("schedule", schedules, manifest.schedules),
    ]
    changes = [
        (kind, _name(key), _outcome(before.get(key), new))
        for kind, before, wanted in kinds
        for key, new in wanted.items()
    ]
    changes += await _subscriptions(store, manifest, dry_run=dry_run)
    if not dry_run:
        for connection in manifest.connections.values():
            await store.put_connection(connection, _entry("connection", connection))
        for scope, caps in manifest.limits.items():
            await store.put_baseline(scope, caps, _entry("limit", caps, str(scope)))
        for task_type in manifest.task_types.values():
            await store.put_task_type(task_type, _entry("type", task_type))
        for trigger in manifest.triggers.values():
            await store.put_trigger(trigger, _entry("trigger", trigger))
        for hook in manifest.hooks.values():
            await store.put_hook(hook, _entry("hook", hook))
        for schedule in manifest.schedules.values():
            await store.put_schedule(schedule, now, _entry("schedule", schedule))
    return changes


def _entry(kind: str, definition: BaseModel | None, name: str | None = None) -> Entry:
    """For the audit trail: what it is now, without its secrets. ``name`` where the definition has none."""
    from tradefree.clock import SystemClock
    from tradefree.tasks.ports import Entry

    secret = {"api_key", "secrets"}
    after = definition and definition.model_dump(mode="json", exclude_defaults=True, exclude=secret)
    target = name or f"{kind}:{getattr(definition, 'name', '')}"
    action = "limit.define" if kind == "limit" else f"{kind}.put"
    return Entry.new(SystemClock().now(), person("tradefree apply"), action, target[:255], {"after": after})


async def _subscriptions(store: SqlStore, manifest: Manifest, *, dry_run: bool) -> list[Change]:
    from tradefree.bootstrap import make_subscriptions
    from tradefree.broker.signals import LocalSignals
    from tradefree.clock import SystemClock
    from tradefree.settings import load_settings
    from tradefree.tasks.catalog import Catalog

    before, clock = await store.subscribers(), SystemClock()
    ours = make_subscriptions(load_settings(), store, Catalog(store, clock), LocalSignals(), clock)
    changes: list[Change] = []
    for name, new in manifest.subscriptions.items():
        known, secret = before.get(name), manifest.secrets.get(name)
        outcome = _outcome(known.subscription if known else None, new)
        if known and secret not in (None, known.secrets.current):
            outcome = "changed"
        changes.append(("subscription", name, outcome))
        if not dry_run and await ours.put(new, secret, by=person("tradefree apply")):
            note(f"A secret was made for {name}; `tradefree callbacks rotate {name}` makes and shows another.")
    return changes


def _name(key: str | Scope) -> str:
    if isinstance(key, str):
        return key
    return key.name if key.kind == "limit" else str(key)


def _outcome(before: BaseModel | None, new: BaseModel) -> str:
    if before is None:
        return "created"
    return "unchanged" if before == new else "changed"
