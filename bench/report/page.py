"""docs/performance.md: what stands between markers is written from the newest results, the rest by people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bench.report import latency, throughput
from bench.report.chart import Bar, Group, draw
from bench.report.tables import TABLES
from bench.results import RESULTS, Result, latest

DOCS = Path(__file__).parents[2] / "docs"


def write(docs: Path = DOCS, results: Path = RESULTS) -> list[Path]:
    """Rewrite page and pictures; the files that were written."""
    page = docs / "performance.md"
    text = page.read_text(encoding="utf-8")
    written = [page]
    for section in TABLES:
        if (result := latest(section, results)) is not None:
            text = replace(text, section, described(result))
            written += _pictures(result, docs / "images")
    page.write_text(text, encoding="utf-8")
    return written


def replace(text: str, section: str, content: str) -> str:
    """The text with what stands between a section's markers replaced; ValueError if they are not there."""
    begin, end = f"<!-- bench:{section} -->", f"<!-- /bench:{section} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the page has no markers {begin} and {end}")
    return pattern.sub(lambda _: f"{begin}\n\n{content}\n\n{end}", text, count=1)


def described(result: Result) -> str:
    """A section's tables, and below them when and on what they were measured."""
    tables = [f"**{table.title}**\n\n{table.markdown()}" for table in TABLES[result.section](result)]
    return "\n\n".join([*tables, _origin(result)])


def _origin(result: Result) -> str:
    machine = result.machine
    changed = " with changes" if machine["changed_since"] else ""
    name = f"{result.measured_at[:10]}-{result.section}.json"
    return (
        f"Measured {result.measured_at[:10]} at commit {machine['commit']}{changed}: {machine['cores']} cores"
        f" ({machine['cpu']}), {machine['memory_gb']} GB, Python {machine['python']}."
        f" Raw numbers, options and versions: [{name}](../bench/results/{name})."
    )


# ── pictures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pictures(result: Result, folder: Path) -> Iterator[Path]:
    draws = {"throughput": throughput_chart, "latency": latency_chart}
    if result.section in draws:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{result.section}.svg"
        path.write_text(draws[result.section](result), encoding="utf-8")
        yield path


def throughput_chart(result: Result) -> str:
    """Bars of tasks per second, the fastest at the top of ours and of theirs."""
    found = throughput.figures(result.rows)
    sizes = sorted({figure.size for figure in found})
    by_side = {side: [f for f in found if f.side == side] for side in throughput.LABELS}
    sides = sorted(
        (side for side, figures in by_side.items() if figures),
        key=lambda side: (not side.startswith("tradefree"), -by_side[side][0].rate.median),
    )
    groups = [
        Group(
            throughput.LABELS[side],
            [Bar(f.rate.median, f.rate.low, f.rate.high, _rate_text(f)) for f in by_side[side]],
            ours=side.startswith("tradefree"),
        )
        for side in sides
    ]
    return draw(
        "Tasks per second, end to end, one worker process",
        "Median, least and greatest of all rounds; × is the ratio to Celery's better pool in the same round",
        [f"{size:,} bytes in, the same out" for size in sizes],
        groups,
    )


def _rate_text(figure: throughput.Figure) -> str:
    return f"{figure.rate.median:,.0f}/s" + (f" · {figure.ratio.median:.1f}×" if figure.ratio else "")


def latency_chart(result: Result) -> str:
    """Bars of the median, with a line up to the 99th percentile."""
    groups = [
        Group(
            latency.LABELS[figure.way].replace("`", ""),
            [Bar(figure.p50, figure.p50, figure.p99, f"p50 {figure.p50:.1f} · p99 {figure.p99:.0f} ms")],
            ours=figure.way.startswith("tradefree"),
        )
        for figure in latency.figures(result)
    ]
    return draw(
        "From submit to result, as a client sees it",
        "Milliseconds at ten tasks per second: the bar is the median, the line goes up to the 99th percentile",
        ["ms"],
        groups,
    )
