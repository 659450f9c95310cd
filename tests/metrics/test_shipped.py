"""The dashboard and the alert rules that are shipped: every expression can be parsed, and asks for what there is."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from docs.pages import DOCS, ROOT
from metrics.every import every_family
from metrics.promtool import find_promtool

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RULE_TESTS = RULES.with_name("alerts.test.yaml")
DASHBOARD = ROOT / "deploy" / "grafana" / "tradefree.json"
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds to all it scrapes."""
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
PARTS = ("_bucket", "_count", "_sum")


@cache
def known() -> dict[str, set[str]]:
    """The labels of every series, by its name."""
    found: dict[str, set[str]] = {name: set() for name in PROCESS}
    for name, (kind, labels) in every_family().items():
        names = [name + part for part in PARTS] if kind == "histogram" else [name]
        found |= {n: labels | ({"le"} if n.endswith("_bucket") else set()) for n in names}
    return found


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            words = target["expr"].replace("$__rate_interval", "1m")
            yield f"{panel['title']} {target['refId']}", re.sub(r'"\$\w+"', '".*"', words)


ALL = list(expressions())
by_name = pytest.mark.parametrize(("name", "expression"), ALL, ids=[name for name, _ in ALL])


def parts(node: Any) -> Iterator[Any]:
    """A parsed expression and all that is in it."""
    yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, str):
            yield from parts(child)
    for child in getattr(node, "args", None) or ():
        yield from parts(child)


@by_name
def test_every_series_and_label_exists(name: str, expression: str) -> None:
    selectors = [node for node in parts(promql.parse(expression)) if isinstance(node, promql.VectorSelector)]
    assert selectors
    asked: set[str] = set()
    for selector in selectors:
        assert selector.name in known(), f"{name}: there is no {selector.name}"
        asked |= known()[selector.name]
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= known()[selector.name] | SCRAPED, f"{name}: {selector.name} has no such labels: {labels}"
    for node in parts(promql.parse(expression)):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= asked | SCRAPED, name


@by_name
def test_counters_are_not_read_as_they_stand(name: str, expression: str) -> None:
    """A counter begins anew with its process: only its rate or increase means something."""
    for node in parts(promql.parse(expression)):
        if isinstance(node, promql.Call):
            continue
        for child in (getattr(node, "expr", None), getattr(node, "lhs", None), getattr(node, "rhs", None)):
            if isinstance(child, promql.VectorSelector):
                counter = str(child.name).endswith(("_total", *PARTS))
                assert not counter or isinstance(node, promql.MatrixSelector), f"{name}: {child.name}"


def test_what_every_service_shows_is_not_added_up() -> None:
    """Two services tell the same of the database; ``sum`` would double it."""
    own = {"tradefree_worker_running_attempts", "tradefree_dispatcher_leading"}
    gauges = {name for name, (kind, _) in every_family().items() if kind == "gauge"} - own
    for name, expression in ALL:
        for node in parts(promql.parse(expression)):
            if isinstance(node, promql.AggregateExpr) and isinstance(node.expr, promql.VectorSelector):
                assert node.expr.name not in gauges or str(node.op) in ("max", "min"), f"{name}: {expression}"


def test_every_alert_says_what_and_what_to_do() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert rule["alert"].startswith("Tradefree")
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_every_alert_is_explained_and_tried() -> None:
    names = {rule["alert"] for rule in alerts()}
    assert set(re.findall(r"`(Tradefree\w+)`", (DOCS / "monitoring.md").read_text())) == names
    tried = [case for test in yaml.safe_load(RULE_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in tried if case.get("exp_alerts")} == names


def test_the_dashboard_fits_together() -> None:
    document = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"] for variable in document["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)\}?", " ".join(t["expr"] for panel in panels() for t in panel["targets"])))
    assert used - {"__rate_interval"} <= variables
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.findall(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])[0]
            assert label in known()[series] | SCRAPED
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("words", [("check", "rules", RULES), ("test", "rules", RULE_TESTS)], ids=["check", "test"])
def test_promtool_agrees(words: tuple[str | Path, ...], tmp_path: Path) -> None:
    done = subprocess.run([find_promtool(tmp_path), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
