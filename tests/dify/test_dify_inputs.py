"""Options of the task type, the inputs made from them, and the app's form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dify.dify_replay import exchanges
from tradefree.dify.inputs import inputs_for, problem_with
from tradefree.dify.models import InputField, Parameters
from tradefree.dify.options import WorkflowOptions
from tradefree.errors import Failed, InvalidInput

FORM = Parameters.of(exchanges("23")[1].json).form
ORDER = {"id": 7, "customer": {"name": "Li", "tags": ["a", "b"]}, "note": None}


def test_without_a_mapping_the_input_is_taken_as_it_is() -> None:
    assert inputs_for(WorkflowOptions(), ORDER) == ORDER


def test_a_mapping_follows_paths_and_leaves_out_what_is_not_there() -> None:
    paths = {"who": "customer.name", "tag": "customer.tags.1", "gone": "customer.age.x", "far": "customer.tags.9"}

    assert inputs_for(WorkflowOptions(inputs=paths), ORDER) == {"who": "Li", "tag": "b"}


@pytest.mark.parametrize("data", [None, "text", 5, [1], True])
def test_a_workflow_takes_an_object(data: Any) -> None:
    with pytest.raises(Failed, match="takes an object") as caught:
        inputs_for(WorkflowOptions(), data)

    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"inputz": {}}, "options/inputz"),
        ({"inputs": {"a": 5}}, "options/inputs/a"),
        ({"inputs": "a"}, "options/inputs"),
        ({"partial_success": "maybe"}, "options/partial_success"),
        ({"workflow_id": ""}, "options/workflow_id"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        WorkflowOptions.of(options)

    assert caught.value.field == field


@pytest.mark.parametrize("number", [n for n, e in enumerate(exchanges("08")) if e.method == "POST"])
def test_the_form_says_no_where_dify_said_no(number: int) -> None:
    """Twelve recorded blocking calls; exchanges 1 to 6 went to an app that asks for a paragraph of 48 characters."""
    exchange = exchanges("08")[number]
    if b"streaming" in exchange.request:
        return
    form = FORM[:1] if number < 6 else FORM
    inputs = json.loads(exchange.request)["inputs"]

    assert (problem_with(form, inputs) is not None) == (exchange.status == 400)


def test_the_problem_names_the_variable() -> None:
    assert problem_with(FORM, {}) == "`query` is required and missing"
    assert problem_with(FORM, {"query": 3}) == "`query` must be a text, not a number"
    assert "one of a, b" in str(problem_with(FORM, {"query": "x", "kind": "z"}))


FILES: list[tuple[str, object, str | None]] = [
    ("file", {"file_url": "https://x.example/a.pdf"}, None),
    ("file", "a.pdf", "must be a file (an object), not a text"),
    ("file-list", [{"file_url": "u"}], None),
    ("file-list", {"file_url": "u"}, "must be a list of files (objects)"),
    ("file-list", ["u"], "must be a list of files (objects)"),
    ("file-list", [{}, {}, {}], "has 3 files, and the app takes at most 2"),
]


@pytest.mark.parametrize(("kind", "value", "problem"), FILES)
def test_files_are_objects_and_not_too_many(kind: str, value: object, problem: str | None) -> None:
    found = problem_with([InputField("doc", kind, max_length=2 if kind == "file-list" else None)], {"doc": value})
    assert found == (f"`doc` {problem}" if problem else None)
