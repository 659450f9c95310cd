"""The Chinese console speaks Chinese where the service speaks English: no sentence is missing, none lacks its facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from jsonschema_rs import ValidationErrorKind
from pydantic_core._pydantic_core import list_all_errors
from starlette.exceptions import HTTPException

from console.sentences import SOURCE, Said, calls, given, holes, keys, literal, retold
from tradefree.service.problems import INTERNAL, KINDS, problem_of

BY_STATUS = {"forbidden", "not-found"}
"""Problems whose words the console has itself, in both languages."""
REFUSALS = ("Conflict", "Stale", "Forbidden", "Unauthorized", "RateLimited", "BacklogFull", "__init__")


def test_every_problem_of_the_service_has_a_title_and_advice() -> None:
    named = {
        name for path in SOURCE.rglob("*.py") for name in re.findall(r"problem:([a-z][a-z-]+)\"", path.read_text())
    }
    frameworks = {problem_of(HTTPException(status)).type.rpartition(":")[2] for status in (400, 405)}
    problems = {kind.slug for kind in KINDS.values()} | {INTERNAL.slug} | named | frameworks
    proxies = {f"http-{status.value}" for status in HTTPStatus}
    sentences = retold("problems")
    for part in ("titles", "advice"):
        assert set(sentences[part]) - proxies == problems - BY_STATUS


def test_every_code_of_a_detail_has_a_sentence_that_its_facts_fill() -> None:
    details = retold("problems")["details"]
    said = list(_refusals())
    assert {one.code for one in said} == set(details)
    for one in said:
        assert holes(details[one.code]) <= one.facts, one


def test_every_code_of_a_value_has_a_sentence_that_its_facts_fill() -> None:
    reasons = retold("reasons")
    said = list(_values())
    assert {one.code for one in said} <= set(reasons)
    for one in said:
        assert holes(reasons[one.code]) <= one.facts, one


def test_reasons_of_pydantic_and_of_schemas_are_theirs() -> None:
    pydantic = {error["type"]: set(error.get("example_context") or {}) for error in list_all_errors()}
    schemas = {re.sub(r"^.", lambda first: first[0].lower(), name) for name in dir(ValidationErrorKind)}
    schemas.add("const")
    ours = {one.code for one in _values()} | {"bad_name"}
    for code, sentence in retold("reasons").items():
        assert code in {*pydantic, *schemas, *ours}
        if code in pydantic and code not in ours:
            assert holes(sentence) <= pydantic[code], code


def _refusals() -> Iterator[Said]:
    for call, where in calls(*REFUSALS):
        if code := literal(given(call, "code")):
            if where.startswith("dify/"):
                continue
            yield Said(code, keys(given(call, "facts")), where)


def _values() -> Iterator[Said]:
    for call, where in calls("InvalidInput"):
        if code := literal(given(call, "code")):
            yield Said(code, keys(given(call, "facts")), where)
    for call, where in calls("BadValue"):
        code = literal(call.args[1])
        assert code, where
        yield Said(code, frozenset(keyword.arg for keyword in call.keywords if keyword.arg), where)
