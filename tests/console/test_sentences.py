"""The Chinese console speaks Chinese where the service speaks English: no sentence is missing, none lacks its facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

from jsonschema_rs import ValidationErrorKind
from pydantic_core._pydantic_core import list_all_errors
from starlette.exceptions import HTTPException

from console.sentences import SOURCE, Said, calls, given, holes, keys, literal, retold
from tradefree.errors import Busy, OutcomeUnknown, RunLost, RunnerError
from tradefree.limits.caps import Mode
from tradefree.limits.ceiling import Ceiling
from tradefree.service.problems import INTERNAL, KINDS, problem_of
from tradefree.tasks.attempt import STOP_UNSEEN

BY_STATUS = {"forbidden", "not-found"}
"""Problems whose words the console has itself, in both languages."""
EVENT = re.compile(r"(task|attempt|run|dify)(\.[a-z_]+)+")
NO_EVENTS = {"dify.workflow", "dify.chat", "dify.completion", "dify.conversation_id"}
WRITERS = ("tasks", "worker", "dify")
"""Packages that write lines of tasks' logs."""
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


def test_every_event_and_case_of_a_log_line_has_a_sentence_and_no_other_has() -> None:
    events, cases = set(_events()), set(_cases())
    sentences = retold("log")
    assert {key.partition(":")[0] for key in sentences} == events
    assert {case for key in sentences if (case := key.partition(":")[2])} == cases


def test_every_kind_of_hold_has_a_sentence() -> None:
    kinds = {kind for call, _ in calls("Hold") if (kind := literal(call.args[0]))}
    assert set(retold("holds")) == kinds | {Mode.PAUSED, Mode.DRAINING}


def test_every_cause_of_a_ceiling_has_a_sentence() -> None:
    moves = [call for call, where in calls("_move", "_refused") if where.startswith("limits/ceiling.py")]
    causes = {text for call in moves for node in call.args[2:3] if (text := literal(node))}
    assert set(retold("ceilings")) == causes | {Ceiling().cause}


def test_every_code_of_a_failure_has_a_sentence() -> None:
    failures = retold("failures")
    assert not set(failures["alone"]) & set(failures["before"])
    assert _codes() == {*failures["alone"], *failures["before"]}


def _constants() -> Iterator[str]:
    for path in (path for package in WRITERS for path in (SOURCE / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _events() -> Iterator[str]:
    yield from (text for text in _constants() if EVENT.fullmatch(text) and text not in NO_EVENTS)


def _cases() -> Iterator[str]:
    """Every text that stands where a case is given: a keyword, an entry, the argument of ``_say_once``."""
    for path in (path for package in WRITERS for path in (SOURCE / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="_say_once"), args=[first, *_]):
                    yield from _texts(first)
                case ast.Call(func=ast.Name(id="unqueue"), args=[_, _, _, case]):
                    yield from _texts(case)
                case ast.FunctionDef(name="unqueue", args=ast.arguments(defaults=[case])):
                    yield from _texts(case)
                case ast.keyword(arg="case", value=value) | ast.Assign(targets=[ast.Name(id="case")], value=value):
                    yield from _texts(value)
                case ast.Dict(keys=[ast.Constant(value="case"), *_], values=[value, *_]):
                    yield from _texts(value)


def _texts(node: ast.expr) -> Iterator[str]:
    for inner in (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,):
        if text := literal(inner):
            yield text


def _codes() -> set[str]:
    """Codes that a failure may have; ``http_404`` and the like are told in the words of who answered."""
    named = set()
    for call, _ in calls("RunFailed", "Failed", "DidNotWork", "fail"):
        for node in (*call.args[:2], given(call, "code")):
            if (code := literal(node)) and re.fullmatch(r"[a-z_]+", code):
                named.add(code)
    classes = {kind.code for kind in (RunnerError, Busy, OutcomeUnknown, RunLost)}
    return named | classes | {"failed", "dify_unavailable", STOP_UNSEEN, "worker_lost", "cancel_unconfirmed"}
