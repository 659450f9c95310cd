"""CloudEvents 1.0 in HTTP: structured and binary mode of the HTTP protocol binding, with the JSON event format.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tradefree.errors import InvalidInput
from tradefree.events.event import REQUIRED, Event, NewEvent
from tradefree.tasks.task import Json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
VERSION = "1.0"
PREFIX = "ce-"
"""Of the headers that carry attributes in binary mode."""

_TEXTS = ("id", "source", "type", "subject", "datacontenttype", "dataschema")
_JSON_TYPE = re.compile(r"application/json|text/json|[\w.+-]+/[\w.-]+\+json")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def structured(value: Json) -> NewEvent:
    """The event in a value of the JSON event format. Raises InvalidInput, naming the attribute; the intake checks the
    rest."""
    if not isinstance(value, dict):
        raise InvalidInput("should be an object: a CloudEvent in the JSON event format")
    said = {name: part for name, part in value.items() if part is not None}
    if "data" in said and "data_base64" in said:
        raise InvalidInput("give either data or data_base64, not both", field="data_base64")
    binary = "data_base64" in said
    data = _checked_base64(said.pop("data_base64")) if binary else said.pop("data", None)
    return _event(said, data, binary=binary)


def binary(headers: Mapping[str, str], body: bytes, loads: Callable[[bytes], Json]) -> NewEvent:
    """The event whose attributes are headers and whose data is the body. ``loads`` reads JSON.

    Data of a JSON type is a value, text is text, anything else is kept as base64."""
    said: dict[str, Any] = {
        name[len(PREFIX) :]: _decoded(name, text) for name, text in headers.items() if name.startswith(PREFIX)
    }
    if not said:
        raise InvalidInput(
            f"is required; a structured event has Content-Type: {STRUCTURED}", field=f"{PREFIX}specversion"
        )
    for own in ("data", "data_base64", "datacontenttype"):
        if own in said:
            raise InvalidInput("is no header of a CloudEvent: it is the body, or Content-Type", field=PREFIX + own)
    if content_type := headers.get("content-type"):
        said["datacontenttype"] = content_type
    try:
        new = _event(said, *_data(body, content_type, loads))
        new.check()
        return new
    except InvalidInput as error:
        field = error.field if error.field in ("", "data") or error.field.startswith("data/") else PREFIX + error.field
        raise type(error)(error.reason, field=field) from None


def document(event: Event) -> dict[str, Any]:
    """A stored event in the JSON event format."""
    value: dict[str, Any] = {"specversion": VERSION, "id": event.event_id, "source": event.source, "type": event.type}
    if event.subject is not None:
        value["subject"] = event.subject
    if event.time is not None:
        value["time"] = event.time.isoformat().replace("+00:00", "Z")
    value |= event.attributes
    if event.data is not None:
        value["data_base64" if event.binary else "data"] = event.data
    return value


def is_json(content_type: str) -> bool:
    """True if data of this type is JSON."""
    return _JSON_TYPE.fullmatch(content_type.partition(";")[0].strip().lower()) is not None


def _event(said: dict[str, Any], data: Json, binary: bool) -> NewEvent:
    version = said.pop("specversion", None)
    if version != VERSION:
        reason = "is required" if version is None else f"should be {VERSION}"
        raise InvalidInput(reason, field="specversion")
    for name in REQUIRED:
        if name not in said:
            raise InvalidInput("is required", field=name, code="missing")
    for name in _TEXTS:
        if not isinstance(said.get(name, ""), str):
            raise InvalidInput("should be text", code="string_type", field=name)
    time = said.pop("time", None)
    return NewEvent(
        id=said.pop("id"),
        source=said.pop("source"),
        type=said.pop("type"),
        subject=said.pop("subject", None),
        time=_moment(time) if time is not None else None,
        data=data,
        binary=binary,
        attributes=said,
    )


def _moment(text: Any) -> datetime:
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        raise InvalidInput("should be a time as in RFC 3339: 2026-01-31T08:00:00Z", field="time")
    whole = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
    try:
        return datetime.fromisoformat(whole)
    except ValueError as error:
        raise InvalidInput(f"is no time: {error}", field="time") from None


def _checked_base64(value: Any) -> str:
    try:
        if isinstance(value, str):
            base64.b64decode(value, validate=True)
            return value
    except (ValueError, binascii.Error):
        pass
    raise InvalidInput("should be base64 text", field="data_base64")


def _decoded(name: str, text: str) -> str:
    """The value in a header: quoted or not, with what is no printable ASCII in percent-encoding."""
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidInput("has percent-encoding that is not UTF-8", field=name) from None


def _data(body: bytes, content_type: str | None, loads: Callable[[bytes], Json]) -> tuple[Json, bool]:
    """The data, and whether it is base64."""
    if not body:
        return None, False
    if content_type is None or is_json(content_type):
        return _in_data(loads, body), False
    if content_type.lower().startswith("text/"):
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise InvalidInput("should be UTF-8", field="data") from None
        if "\0" in text:
            raise InvalidInput("contains the character NUL", field="data")
        return text, False
    return base64.b64encode(body).decode(), True


def _in_data(loads: Callable[[bytes], Json], body: bytes) -> Json:
    try:
        return loads(body)
    except InvalidInput as error:
        raise type(error)(error.reason, field="/".join(filter(None, ["data", error.field]))) from None
