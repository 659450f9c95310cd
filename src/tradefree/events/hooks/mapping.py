"""From a foreign message to what a CloudEvent needs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson

from tradefree.errors import InvalidInput
from tradefree.events.event import NewEvent
from tradefree.events.hooks.hook import Computed, Hook, expression
from tradefree.events.hooks.presets import PRESETS
from tradefree.events.hooks.signature import Message
from tradefree.ids import digest
from tradefree.tasks.task import Json

LONGEST = 255
"""Characters of an attribute."""
SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Headers that no expression sees, beside those that carry the signature or the token."""


def read(hook: Hook, message: Message, body: Json) -> NewEvent:
    """The event that the message tells of, ``body`` being its JSON. Raises InvalidInput (``event/type``)."""
    return _Reading(hook, message, body).event()


class _Reading:
    def __init__(self, hook: Hook, message: Message, body: Json) -> None:
        self._hook = hook
        self._preset = PRESETS[hook.preset]
        self._message = message
        self._body = body
        hidden = SECRET | {hook.token_header}
        self._headers = {name: text for name, text in message.headers.items() if name not in hidden}

    def event(self) -> NewEvent:
        mapping = self._hook.event
        return NewEvent(
            type=self._required("type"),
            source=self._text("source") or f"/hooks/{self._hook.name}",
            id=self._id(),
            subject=self._text("subject"),
            time=self._time(),
            data=self._body if mapping.data is None else self._data(mapping.data),
        )

    def _required(self, name: str) -> str:
        text = self._text(name)
        if text is None:
            raise InvalidInput("the message has none; define it in the hook's mapping", field=f"event/{name}")
        return text

    def _text(self, name: str) -> str | None:
        """An attribute as text: as defined, or as the preset finds it."""
        defined = getattr(self._hook.event, name)
        if isinstance(defined, str):
            return defined
        if isinstance(defined, Computed):
            return _as_text(name, self._value(name, defined))
        found = getattr(self._preset, name)
        value = found(self._headers, self._body) if found is not None else None
        return None if value in (None, "") else _as_text(name, value)

    def _id(self) -> str:
        """What a repeat has in common with the first: else the digest of its bytes."""
        text = self._text("id")
        if text is None and self._hook.id_header is not None:
            text = self._headers.get(self._hook.id_header)
        return text or f"sha256:{hashlib.sha256(self._message.body).hexdigest()}"

    def _time(self) -> datetime | None:
        """When it happened. A preset's time that cannot be read is left out; one that was defined must be one."""
        defined = self._hook.event.time
        if defined is not None:
            return _as_moment(self._value("time", defined))
        try:
            value = self._preset.time(self._headers, self._body) if self._preset.time is not None else None
            return None if value is None else _as_moment(value)
        except InvalidInput:
            return None

    def _value(self, name: str, computed: Computed) -> Any:
        try:
            return expression(computed.cel).value({"body": self._body, "headers": self._headers})
        except ValueError as error:
            raise InvalidInput(str(error), field=f"event/{name}") from None

    def _data(self, computed: Computed) -> Json:
        try:
            return orjson.loads(orjson.dumps(self._value("data", computed)))
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{computed.cel}: is not JSON: {error}", field="event/data") from None


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"should be text, not {type(value).__name__}", field=f"event/{name}")
    if "\0" in value:
        raise InvalidInput("contains the character NUL", field=f"event/{name}")
    if len(value) > LONGEST:
        if name == "id":
            return f"sha256:{digest(value)}"
        raise InvalidInput(f"has {len(value)} characters; {LONGEST} are the most", field=f"event/{name}")
    return value


def _as_moment(value: Any) -> datetime:
    try:
        moment = _moment(value)
    except (TypeError, ValueError, OverflowError, OSError):
        moment = None
    if moment is None or moment.tzinfo is None:
        reason = "should be ISO 8601 text with an offset, or seconds since 1970"
        raise InvalidInput(reason, field="event/time")
    return moment.astimezone(UTC)


def _moment(value: Any) -> datetime | None:
    match value:
        case datetime():
            return value
        case str() if not value.isdecimal():
            return datetime.fromisoformat(value)
        case bool():
            return None
        case _:
            return datetime.fromtimestamp(float(value), UTC)
