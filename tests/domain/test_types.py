"""Task types, connections, schemas."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from tradefree.errors import InvalidInput
from tradefree.tasks.types import Connection, TaskType

ORDER = {
    "type": "object",
    "required": ["customer_id"],
    "properties": {
        "customer_id": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
}


def a_type(**values: Any) -> TaskType:
    return TaskType.model_validate({"name": "a", "runner": "echo", **values})


def a_connection(**values: Any) -> Connection:
    return Connection.model_validate({"name": "c", "base_url": "https://dify.example/v1", "api_key": "app-1", **values})


@pytest.mark.parametrize("name", ["a", "0", "summarize-order", "a.b_c-1", "a" * 63])
def test_names(name: str) -> None:
    assert a_type(name=name).name == name
    assert a_connection(name=name).name == name


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "a/b", "a b", "ä", "a" * 64, "a\n", "a\x00", None, 1])
def test_other_names_are_refused(name: object) -> None:
    for make in (a_type, a_connection):
        with pytest.raises(ValidationError):
            make(name=name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", 0),
        ("timeout", "25h"),
        ("timeout", float("inf")),
        ("max_deferral", 0),
        ("max_deferral", float("inf")),
        ("max_deferral", "9" * 400 + "d"),
        ("queue", "Default"),
        ("runner", "x" * 64),
        ("connection", "Not A Name"),
        ("concurrency", {"max_running": 0}),
        ("concurrency", {"max_running_per_key": -1}),
        ("concurrency", {"max": 1}),
        ("retry", {"max_attempts": 0}),
        ("input_schema", {"type": "nonsense"}),
        ("input_schema", {"properties": 5}),
        ("input_schema", {"pattern": "("}),
        ("input_schema", {"$ref": "#/$defs/missing"}),
        ("input_schema", "object"),
        ("color", "red"),
    ],
)
def test_nonsense_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        a_type(**{field: value})
    assert error.value.errors()[0]["loc"][0] == field


def test_what_is_stored_can_be_read_again() -> None:
    """A definition that could be written and not be read would stop every process."""
    full = a_type(
        timeout="10m", max_deferral="366d", retry={"initial": "366d", "maximum": "366d"}, input_schema=ORDER, queue="q"
    )
    assert TaskType.model_validate_json(full.model_dump_json(exclude_defaults=True)) == full


# ── input ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_schema_anything_goes() -> None:
    values: list[Any] = [None, 1, "x", [], {}]
    for value in values:
        a_type().check_input(value)


def test_good_input() -> None:
    a_type(input_schema=ORDER).check_input({"customer_id": "c", "lines": [{"sku": "1"}], "more": 1})


@pytest.mark.parametrize(
    ("value", "field", "reason"),
    [
        ({}, "input_data", "customer_id"),
        ({"customer_id": 7}, "input_data/customer_id", "string"),
        ({"customer_id": "c", "lines": [{"sku": "1"}, {"sku": 2}]}, "input_data/lines/1/sku", "string"),
        ([], "input_data", "object"),
        (None, "input_data", "object"),
    ],
)
def test_bad_input_names_field_and_reason(value: object, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as error:
        a_type(input_schema=ORDER).check_input(value)
    assert error.value.field == field
    assert reason in error.value.reason


def test_a_large_value_is_not_repeated_in_the_reason() -> None:
    with pytest.raises(InvalidInput) as error:
        a_type(input_schema=ORDER).check_input("x" * 1_000_000)
    assert len(error.value.reason) < 600
    assert error.value.reason.endswith('is not of type "object"')


def test_schemas_may_refer_to_themselves() -> None:
    schema = {"$ref": "#/$defs/order", "$defs": {"order": ORDER}}
    a_type(input_schema=schema).check_input({"customer_id": "c"})
    with pytest.raises(InvalidInput):
        a_type(input_schema=schema).check_input({})


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """An address that serves a schema, and who asked for it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "object"}')

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/schema", asked
    server.shutdown()
    server.server_close()


def test_schemas_make_nobody_fetch_other_documents(elsewhere: tuple[str, list[str]], tmp_path: Path) -> None:
    """Who may define a type must not thereby reach into the network or the files of the service."""
    url, asked = elsewhere
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    for target in (url, f"{url}#/x", f"file://{tmp_path}/schema.json"):
        for schema in ({"$ref": target}, {"properties": {"a": {"$ref": target}}}, {"$dynamicRef": target}):
            with pytest.raises(ValidationError, match="not a JSON Schema"):
                a_type(input_schema=schema)
    a_type(input_schema={"$schema": url, "type": "object"})
    assert asked == []


# ── connections ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url", ["http://localhost", "https://dify.example/v1", "http://10.0.0.1:8080/v1/", "http://[::1]:5001/v1"]
)
def test_addresses(url: str) -> None:
    assert a_connection(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "dify.example",
        "ftp://dify.example",
        "https://",
        "https://user:pass@dify.example",
        "https://dify.example/v1?key=1",
        "https://dify.example/v1#x",
        "https://dify.example/ v1",
        "https://dify.example/v1\n",
        "https://" + "x" * 500,
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        a_connection(base_url=url)


@pytest.mark.parametrize("secret", ["", " app-1", "app-1\n", "app 1", "钥匙", "app-\u200b1", "x" * 501])
def test_secrets_that_were_not_copied_whole_are_refused(secret: str) -> None:
    with pytest.raises(ValidationError) as error:
        a_connection(api_key=secret)
    assert "api_key" in str(error.value)


def test_the_secret_is_not_shown() -> None:
    assert "app-SECRET" not in repr(a_connection(api_key="app-SECRET"))


def test_a_refused_secret_is_not_shown_either() -> None:
    with pytest.raises(ValidationError) as error:
        a_connection(api_key="app-SECRET with space")
    assert "SECRET" not in "".join(detail["msg"] for detail in error.value.errors(include_input=False))
