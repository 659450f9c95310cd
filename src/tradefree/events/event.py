"""Events: CloudEvents 1.0 (https://github.com/cloudevents/spec), as somebody raised them and as they are stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from tradefree.errors import InvalidInput
from tradefree.ids import digest
from tradefree.tasks.task import Json
from tradefree.tasks.tracing import traceparent_of

MAX_DATA = 1_000_000
"""Bytes of an event's data as JSON: rules read all of it, and so do people."""
MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE = 2_000
"""Characters of the value of one attribute."""
LENGTHS = {"id": 255, "source": 500, "type": 255, "subject": 500}
"""Characters, at the most. The specification has no bounds; a database has."""
REQUIRED = ("id", "source", "type")
OWN = frozenset({"id", "source", "type", "subject", "time", "data", "data_base64", "specversion"})
"""Names that are no attributes beside the others."""

_NAME = re.compile(r"[a-z0-9]{1,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_INT32 = range(-(2**31), 2**31)

Attribute = str | int | bool


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What somebody says happened. ``id`` is theirs: with ``source`` it tells the event from every other."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    """When it happened, aware."""
    data: Json = None
    """A value that JSON can carry; base64 text if ``binary``."""
    binary: bool = False
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """``datacontenttype``, ``dataschema`` and extension attributes such as ``traceparent``."""

    def with_attribute(self, name: str, value: Attribute) -> NewEvent:
        """The same with one attribute more."""
        return replace(self, attributes={**self.attributes, name: value})

    def check(self) -> None:
        """Raise InvalidInput, naming the attribute, if this cannot be an event."""
        for name, most in LENGTHS.items():
            _check_text(name, getattr(self, name), most)
        if self.time is not None and self.time.tzinfo is None:
            raise InvalidInput("should have an offset, as in 2026-01-31T08:00:00Z", field="time")
        if len(self.attributes) > MAX_ATTRIBUTES:
            raise InvalidInput(f"has {len(self.attributes)} attributes; {MAX_ATTRIBUTES} are the most")
        for name, value in self.attributes.items():
            _check_attribute(name, value)
        _check_data(self.data)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is stored."""

    id: str
    """Ours. It carries the moment it was received."""
    source: str
    event_id: str
    """The sender's."""
    type: str
    received_at: datetime
    received_by: str
    """Who took it in: ``key:ID`` of an API key, ``hook:SLUG``, ``schedule:NAME``."""
    subject: str | None = None
    time: datetime | None = None
    data: Json = None
    binary: bool = False
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @classmethod
    def of(cls, new: NewEvent, id_: str, received_at: datetime, received_by: str) -> Event:
        """The event that is stored for what somebody said."""
        return cls(
            id=id_,
            source=new.source,
            event_id=new.id,
            type=new.type,
            received_at=received_at,
            received_by=received_by,
            subject=new.subject,
            time=new.time,
            data=new.data,
            binary=new.binary,
            attributes=dict(new.attributes),
        )

    @property
    def digest(self) -> str:
        """What the event is known by: the same source and id are the same event."""
        return digest(f"{self.source}\0{self.event_id}")

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context it came with, if that is a good one."""
        value = self.attributes.get("traceparent")
        return traceparent_of(value) if isinstance(value, str) else None

    def facts(self) -> dict[str, Any]:
        """What expressions find under ``event``. Optional attributes that were not given are null; ``time`` is when the
        event was received if the sender did not say."""
        return {
            "datacontenttype": None,
            "dataschema": None,
            **self.attributes,
            "id": self.event_id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time or self.received_at,
            "data": None if self.binary else self.data,
            "data_base64": self.data if self.binary else None,
        }


def _check_text(name: str, value: Any, most: int) -> None:
    if value is None and name not in REQUIRED:
        return
    if not isinstance(value, str) or not value:
        raise InvalidInput("is required: text that is not empty", field=name)
    if len(value) > most:
        raise InvalidInput(f"has {len(value)} characters; {most} are the most", field=name)
    _check_characters(name, value)


def _check_characters(name: str, value: str) -> None:
    if _CONTROL.search(value):
        raise InvalidInput("contains a control character", field=name)
    if not _encodable(value):
        raise InvalidInput("contains a lone surrogate", field=name)


def _encodable(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _check_attribute(name: str, value: Any) -> None:
    if name in OWN or not _NAME.fullmatch(name):
        raise InvalidInput("is no name for an attribute: lower-case letters and digits", field=name[:80])
    if isinstance(value, str):
        if len(value) > MAX_ATTRIBUTE:
            raise InvalidInput(f"has {len(value)} characters; {MAX_ATTRIBUTE} are the most", field=name)
        _check_characters(name, value)
    elif not isinstance(value, bool) and not (isinstance(value, int) and value in _INT32):
        raise InvalidInput("should be text, true, false or an integer of 32 bits", field=name)


def _check_data(data: Json) -> None:
    try:
        size = len(orjson.dumps(data))
    except TypeError as error:
        raise InvalidInput(f"cannot be written as JSON: {error}", field="data") from None
    if size > MAX_DATA:
        raise InvalidInput(f"has {size} bytes; {MAX_DATA} are the most", field="data")
