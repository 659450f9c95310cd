"""Live control of limits: look, change for a time, pause, resume, drain, reset; all of it written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from tradefree.clock import Clock
from tradefree.errors import InvalidInput, NotFound, kind_of
from tradefree.limits.caps import Caps, Mode, Override
from tradefree.limits.scopes import EVERYTHING, Scope, parse_scope
from tradefree.tasks.book import Book
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import DISPATCH, BrowseStore, CatalogStore, Entry, Signals
from tradefree.tasks.task import Task, lane_of, type_of_lane
from tradefree.tasks.types import NAME_PATTERN, OURS
from tradefree.tasks.waits import TURN, Cause
from tradefree.tasks.why import Hold, View, why

MOST_LANES = 50
"""Lanes in flight that are listed."""
BY_THEMSELVES = ("everything", "queue", "limit")
"""Kinds of scopes whose caps are defined by themselves."""
AHEAD_AT_MOST = 1000
"""A task's place in its lane is counted up to here."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a task waits for, and its place in its lane."""

    holds: list[Hold]
    ahead: int | None
    """Tasks of its lane before it; ``AHEAD_AT_MOST`` for as many or more. None if it is not in line."""


class Limiting:
    """Limits as people see and change them."""

    def __init__(
        self, catalog_store: CatalogStore, browse: BrowseStore, catalog: Catalog, signals: Signals, clock: Clock
    ) -> None:
        self._store = catalog_store
        self._browse = browse
        self._catalog = catalog
        self._signals = signals
        self._clock = clock

    async def view(self) -> View:
        """How things stand now."""
        await self._catalog.anew()
        book, standing, now = await self._catalog.book(), await self._browse.standing(), self._clock.now()
        lanes = [scope.name for scope in known_scopes(book, View(book, standing, now)) if scope.of_lane]
        return View(book, standing, now, await self._browse.keys_of(lanes))

    async def why(self, task: Task) -> Waiting:
        """What a task waits for."""
        keys = {task.lane: task.concurrency_key} if task.concurrency_key is not None else {}
        view = View(await self._catalog.book(), await self._browse.standing(), self._clock.now(), keys)
        holds = why(task, view, self._clock.now())
        in_line = task.status == "pending" and not task.holds_slot
        return Waiting(holds, await self._browse.ahead_of(task, AHEAD_AT_MOST) if in_line else None)

    async def in_line(self, task: Task) -> Cause:
        """What a task waits for while it is due and nothing holds all of its type: its key, if that has a limit."""
        caps = (await self._catalog.book()).caps(Scope("lane", task.lane))
        limited = caps.max_running is not None or caps.rate is not None
        key = task.concurrency_key
        return Cause("key", f"lane:{task.type}/{key}") if limited and key is not None else TURN

    async def scope(self, text: str) -> tuple[Scope, str]:
        """The scope that a person named, and how it reads: a lane is named by its type and key. Raises InvalidInput or
        NotFound."""
        scope = parse_scope(text)
        book = await self._catalog.book()
        label = ""
        match scope.kind:
            case "lane":
                name, slash, key = scope.name.partition("/")
                _require(name in book.types and slash, f"no task type {name[:80]!r}; write lane:TYPE/KEY")
                scope, label = Scope("lane", lane_of(name, key or None)), text
            case "type":
                _require(scope.name in book.types, f"no task type {scope.name[:80]!r}")
            case "connection":
                _require(scope.name in book.connections, f"no connection {scope.name[:80]!r}")
            case "limit":
                used = {name for task_type in book.types.values() for name in task_type.limits}
                _require(scope.name in used or scope in book.baselines, f"no shared limit {scope.name[:80]!r}")
            case "queue":
                queues = {task_type.queue for task_type in book.types.values()}
                _require(scope.name in queues or scope in book.baselines, f"no queue {scope.name[:80]!r}")
        return scope, label

    async def change(self, text: str, values: Mapping[str, Any], *, lasts: float | None, reason: str, by: str) -> Scope:
        """Replace caps of a scope, for so many seconds or until they are reset."""
        try:
            checked = Caps.model_validate(dict(values)).model_dump(mode="json", include=set(values))
        except ValidationError as error:
            first = error.errors()[0]
            words = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
            code, facts = kind_of(first)
            raise InvalidInput(words, field="/".join(map(str, first["loc"])), code=code, facts=facts) from None
        until = self._end(lasts)
        return await self._put(
            text, "limit.change", by, reason, lambda old: {"values": {**old.values, **checked}, "until": until}
        )

    async def define(self, text: str, caps: Caps | None, *, by: str) -> Scope:
        """Set the caps of everything, a queue or a shared limit, or (None) take them away."""
        scope = parse_scope(text)
        if scope.kind not in BY_THEMSELVES:
            raise InvalidInput(
                f"{text[:80]} is defined with its {scope.kind}; here it can only be changed", field="scope"
            )
        check_name(scope)
        detail = {"after": caps.model_dump(mode="json", exclude_defaults=True) if caps is not None else None}
        entry = Entry.new(self._clock.now(), by, "limit.define", str(scope)[:255], detail)
        if await self._store.put_baseline(scope, caps, entry):
            self._catalog.forget()
            self._signals.publish(DISPATCH, {"lanes": []})
        return scope

    async def set_mode(self, text: str, mode: Mode, *, lasts: float | None, reason: str, by: str) -> Scope:
        """Pause, drain or open a scope, for so many seconds or until the next word."""
        action = {Mode.OPEN: "limit.resume", Mode.PAUSED: "limit.pause", Mode.DRAINING: "limit.drain"}[mode]
        until = self._end(lasts)
        return await self._put(text, action, by, reason, lambda _: {"mode": mode, "mode_until": until})

    async def reset(self, text: str, *, by: str) -> Scope:
        """Back to what is defined."""
        return await self._put(text, "limit.reset", by, "", lambda _: {"values": {}, "mode": Mode.OPEN})

    async def _put(
        self, text: str, action: str, by: str, reason: str, change: Callable[[Override], Mapping[str, Any]]
    ) -> Scope:
        scope, label = await self.scope(text)
        now = self._clock.now()
        before = (await self._store.limits()).overrides.get(scope, Override()).held_at(now) or Override()
        marks = {"by": by, "at": now, "reason": reason, "label": label}
        after = before.model_copy(update={**change(before), **marks}).held_at(now)
        detail = {"before": _shown(before), "after": _shown(after), "reason": reason}
        entry = Entry.new(now, by, action, (label or str(scope))[:255], detail)
        if await self._store.put_override(scope, after, entry):
            self._catalog.forget()
            self._signals.publish(DISPATCH, {"lanes": []})
        return scope

    def _end(self, lasts: float | None) -> datetime | None:
        return self._clock.now() + timedelta(seconds=lasts) if lasts is not None else None


def check_name(scope: Scope) -> None:
    """Raise InvalidInput if a queue or a shared limit cannot have this name."""
    if scope.name and not re.fullmatch(NAME_PATTERN, scope.name):
        words = "is not a good name: lower-case letters, digits, `.`, `_`, `-`; at most 63 characters"
        raise InvalidInput(f"{scope.name[:80]!r} {words}", field="scope")


def known_scopes(book: Book, view: View) -> list[Scope]:
    """The scopes worth showing: all that are defined, changed or, of lanes and built-in types, in use under a cap."""
    scopes = {EVERYTHING, *book.baselines, *book.overrides}
    for name in book.types:
        if not name.startswith(OURS) or view.used[Scope("type", name)]:
            scopes.update(book.of_type(name))
    scopes.update(Scope("connection", name) for name in book.connections)
    lanes = [Scope("lane", held.lane) for held in view.standing.held]
    capped = {scope for scope in lanes if book.cap(scope).places is not None or book.cap(scope).rate is not None}
    scopes.update(sorted(capped, key=lambda scope: -view.used[scope])[:MOST_LANES])
    order = ("everything", "queue", "connection", "limit", "type", "lane")
    return sorted(scopes, key=lambda scope: (order.index(scope.kind), scope.name))


def waiting_in(scope: Scope, book: Book, waiting: Mapping[str, int]) -> int | None:
    """Pending tasks in a scope; None for a lane, which is not counted apart."""
    if scope.of_lane:
        return None
    types = book.types_in(scope)
    return sum(number for name, number in waiting.items() if types is None or name in types)


def unaccounted_in(scope: Scope, book: Book, view: View) -> int:
    """Places held by runs that nobody could account for yet."""
    held = (h for h in view.standing.held if h.worker_id is None)
    return sum(h.count for h in held if scope in book.of_lane(h.lane))


def type_names(scope: Scope, book: Book) -> tuple[str, ...] | None:
    """The task types a scope concerns; None for all."""
    return (type_of_lane(scope.name),) if scope.of_lane else book.types_in(scope)


def _shown(override: Override | None) -> dict[str, Any] | None:
    """An override for the audit trail."""
    if override is None or (not override.values and override.mode is Mode.OPEN):
        return None
    return override.model_dump(mode="json", include={"values", "until", "mode", "mode_until"}, exclude_none=True)


def _require(good: object, words: str) -> None:
    if not good:
        raise NotFound(words)
