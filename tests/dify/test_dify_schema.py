"""From a form to a schema: what Dify takes is taken, what it refuses is refused with the field's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dify.dify_replay import exchanges
from tradefree.dify.models import InputField, Parameters
from tradefree.dify.schema import schema_of_form
from tradefree.tasks.schema import check_schema, schema_problem

RECORDED = Parameters.of(exchanges("23")[1].json).form
"""query (text-input, required, 48), n (number), kind (select: a, b), flag (checkbox), meta (json_object), note."""


def problem(
    form: tuple[InputField, ...],
    value: Any,
    mapping: Mapping[str, str] | None = None,
    beside: Mapping[str, dict[str, Any]] | None = None,
) -> str | None:
    """The field and the reason; None if the schema takes it."""
    schema = check_schema(schema_of_form(form, mapping, beside or {}))
    found = schema_problem(schema, value)
    return None if found is None else f"{'/'.join(found[0])}: {found[1]}"


GOOD: list[dict[str, Any]] = [
    {"query": "x"},
    {"query": ""},
    {"query": "你" * 48},
    {"query": "x", "n": 1.5, "kind": "b", "flag": True, "meta": {"a": 1}, "note": "n"},
    {"query": "x", "n": " -1.5e3 ", "flag": 0},
    {"query": "x", "n": "", "kind": ""},
    {"query": "x", "n": None, "kind": None, "flag": None, "meta": None, "note": None},
]


@pytest.mark.parametrize("value", GOOD)
def test_what_dify_takes_is_taken(value: dict[str, Any]) -> None:
    assert problem(RECORDED, value) is None


BAD: list[tuple[Any, str]] = [
    ({}, ': "query" is a required property'),
    ("x", "object"),
    ({"query": None}, "query: "),
    ({"query": 5}, "query: "),
    ({"query": "x" * 49}, "query: "),
    ({"query": "x", "n": "five"}, "n: "),
    ({"query": "x", "n": [1]}, "n: "),
    ({"query": "x", "n": True}, "n: "),
    ({"query": "x", "kind": "c"}, "kind: "),
    ({"query": "x", "flag": "false"}, "flag: "),
    ({"query": "x", "meta": "{}"}, "meta: "),
    ({"query": "x", "note": {}}, "note: "),
    ({"query": "x", "qeury": "typo"}, "qeury"),
]


@pytest.mark.parametrize(("value", "words"), BAD)
def test_what_dify_refuses_or_drops_is_refused(value: Any, words: str) -> None:
    found = problem(RECORDED, value)
    assert found is not None
    assert words in found


FILES = (
    InputField("doc", "file", required=True),
    InputField("pages", "file-list", max_length=2),
    InputField("weather", "external_data_tool", required=False),
    InputField("new", "of-a-later-version", required=True),
)
FILE = {"file_url": "https://x.example/a.pdf"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"doc": FILE, "new": 1}, None),
        ({"doc": FILE, "pages": [FILE, FILE], "weather": "anything", "new": {}}, None),
        ({"doc": "a.pdf", "new": 1}, "doc: "),
        ({"doc": [FILE], "new": 1}, "doc: "),
        ({"doc": FILE, "pages": FILE, "new": 1}, "pages: "),
        ({"doc": FILE, "pages": [FILE] * 3, "new": 1}, "pages: "),
        ({"doc": FILE}, "new"),
    ],
)
def test_files_and_kinds_that_cannot_be_judged(value: Any, words: str | None) -> None:
    found = problem(FILES, value)
    assert found is None if words is None else words in str(found)


MAPPING = {"query": "customer.message.text", "n": "customer.age", "kind": "kinds.0.id"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"customer": {"message": {"text": "x"}}, "more": 1}, None),
        ({"customer": {"message": {"text": "x", "id": 1}, "age": None}, "kinds": 5}, None),
        ({}, "customer"),
        ({"customer": {"message": None}}, "customer/message: "),
        ({"customer": {"message": {}}}, 'customer/message: "text" is a required'),
        ({"customer": {"message": {"text": 5}}}, "customer/message/text: "),
        ({"customer": {"message": {"text": "x"}, "age": "old"}}, "customer/age: "),
    ],
)
def test_with_a_mapping_the_rules_stand_where_its_paths_lead(value: Any, words: str | None) -> None:
    found = problem(RECORDED, value, MAPPING)
    assert found is None if words is None else words in str(found)


def test_an_optional_path_may_end_anywhere() -> None:
    mapping = {"n": "customer.age"}
    form = (InputField("n", "number"),)
    values: tuple[Any, ...] = (
        {},
        {"customer": None},
        {"customer": {}},
        {"customer": {"age": None}},
        {"customer": {"age": 5}},
    )
    for value in values:
        assert problem(form, value, mapping) is None
    assert "customer/age" in str(problem(form, {"customer": {"age": []}}, mapping))


def test_what_is_read_beside_the_variables_is_required_and_known() -> None:
    beside = {"query": {"type": "string"}, "customer.id": {}}
    assert problem((), {"query": "hi", "customer": {"id": 5}}, beside=beside) is None
    assert "query" in str(problem((), {"customer": {"id": 5}}, beside=beside))
    assert "customer" in str(problem((), {"query": "hi", "customer": {}}, beside=beside))
