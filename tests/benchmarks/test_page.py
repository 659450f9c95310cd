"""Tables, pictures, the page and the files of raw results."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from bench.report.chart import WIDTH, Bar, Group, draw, round_step
from bench.report.page import replace, write
from bench.report.table import Table
from bench.report.tables import TABLES
from bench.results import dumps, latest

from benchmarks.rounds import measured, result

SVG = "{http://www.w3.org/2000/svg}"


def test_a_table_is_written_as_markdown() -> None:
    table = Table("T", ["side", "rate"], [["A", "1"], ["B", "2"]])
    assert table.markdown() == "| side | rate |\n| --- | --: |\n| A | 1 |\n| B | 2 |"


def picture() -> Xml.Element:
    bars = [Bar(90.0, 80.0, 100.0, "90/s · 4.5×"), Bar(40.0, 30.0, 50.0, "40/s")]
    groups = [Group("Ours <&>", bars, ours=True), Group("A peer with a long name indeed", bars)]
    return Xml.fromstring(draw("T", "S", ["150 bytes", "5,000 bytes"], groups))


def test_a_picture_has_a_bar_and_a_label_for_each_value() -> None:
    svg = picture()
    bars = [rect for rect in svg.iter(f"{SVG}rect") if rect.attrib["class"] != "card" and rect.attrib["width"] != "10"]
    assert len(bars) == 4
    ninety, forty = (float(bar.attrib["width"]) for bar in bars[:2])
    assert ninety / forty == pytest.approx(90 / 40, rel=0.01)
    assert [text.text for text in svg.iter(f"{SVG}text")].count("90/s · 4.5×") == 2


def test_labels_stay_inside_the_picture_and_apart() -> None:
    spans: dict[float, list[tuple[float, float]]] = {}
    for text in picture().iter(f"{SVG}text"):
        length = 7.0 * len(text.text or "")
        x = float(text.attrib["x"])
        begin, end = (x - length, x) if text.attrib.get("text-anchor") == "end" else (x, x + length)
        assert begin >= 0
        assert end <= WIDTH
        spans.setdefault(float(text.attrib["y"]), []).append((begin, end))
    for on_one_line in spans.values():
        ordered = sorted(on_one_line)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ordered))


def test_grid_lines_stand_at_round_numbers() -> None:
    assert [round_step(least) for least in (0.03, 0.7, 1, 3, 734, 1000, 1001)] == [0.05, 1, 1, 5, 1000, 1000, 2000]


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    page = "before <!-- bench:x --> old <!-- /bench:x --> after"
    assert replace(page, "x", r"new \1") == "before <!-- bench:x -->\n\nnew \\1\n\n<!-- /bench:x --> after"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="bench:x"):
        replace("nothing", "x", "new")


def test_the_page_is_written_from_the_newest_results(tmp_path: Path) -> None:
    docs, results = tmp_path / "docs", tmp_path / "results"
    docs.mkdir()
    results.mkdir()
    (docs / "performance.md").write_text("<!-- bench:throughput --><!-- /bench:throughput -->")
    for day, rate in (("2026-01-01", 100.0), ("2026-01-02", 777.0)):
        rows = (measured("celery-solo", 1, rate), measured("celery-solo", 1, rate, size=5000))
        (results / f"{day}-throughput.json").write_text(dumps(result("throughput", *rows)))
    assert write(docs, results) == [docs / "performance.md", docs / "images" / "throughput.svg"]
    assert "777" in (docs / "performance.md").read_text()
    assert "777/s" in (docs / "images" / "throughput.svg").read_text()


def test_results_have_a_line_for_each_row_and_are_read_again(tmp_path: Path) -> None:
    written = result("throughput", measured("rq", 1, 3.0), measured("rq", 2, 7.0))
    text = dumps(written)
    (tmp_path / "2026-11-24-throughput.json").write_text(text)
    assert sum('"side"' in line for line in text.splitlines()) == 2
    assert json.loads(text)["rows"][0]["seconds"] == 333.333333
    read = latest("throughput", tmp_path)
    assert read is not None
    assert [row["round"] for row in read.rows] == [1, 2]
    assert latest("latency", tmp_path) is None


def test_the_committed_page_has_a_place_for_every_section() -> None:
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- bench:(\w+) -->", page)) == set(TABLES)
