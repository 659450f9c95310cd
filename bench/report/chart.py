"""Bar charts as SVG, drawn by hand: no library, and a reader can follow every line of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 860
LETTER = 7.3
"""Pixels a letter of a label takes, rather more than less: the reader's font is not ours to choose."""
BAR = 15
GAP = 12
"""Between groups."""

STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de } .title { fill: #1f2328; font-size: 16px; font-weight: 600 }
  .text { fill: #1f2328 } .quiet { fill: #59636e } .grid { stroke: #d0d7de } .whisker { stroke: #1f2328 }
  .ours0 { fill: #1a7f64 } .ours1 { fill: #7cc7b2 } .theirs0 { fill: #6e7781 } .theirs1 { fill: #b9c0c8 }
  text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d } .title, .text { fill: #f0f6fc } .quiet { fill: #9198a1 }
    .grid { stroke: #3d444d } .whisker { stroke: #f0f6fc }
    .ours0 { fill: #2fb391 } .ours1 { fill: #1c6a57 } .theirs0 { fill: #8b949e } .theirs1 { fill: #4b535d }
  }
"""
"""The card has a background of its own, so that it can be read on a page of either colour."""


@dataclass(frozen=True)
class Bar:
    """One bar with its spread and the text behind it."""

    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Group:
    """The bars of one name, one for each series."""

    name: str
    bars: Sequence[Bar]
    ours: bool = False


@dataclass(frozen=True)
class Room:
    """Where the bars begin, in pixels, and how many pixels one unit has."""

    left: float
    top: float
    scale: float

    def at(self, value: float) -> float:
        return self.left + value * self.scale


def draw(title: str, subtitle: str, series: Sequence[str], groups: Sequence[Group]) -> str:
    """The whole picture. ``series`` are the names of the bars within each group."""
    bars = [bar for group in groups for bar in group.bars]
    left = 30 + LETTER * max(len(group.name) for group in groups)
    right = 30 + LETTER * max(len(bar.text) for bar in bars)
    most = max(bar.high for bar in bars)
    room = Room(left, 84 if len(series) > 1 else 70, (WIDTH - left - right) / most)
    body: list[str] = []
    y = room.top
    for group in groups:
        body += _group(group, y, room)
        y += len(group.bars) * BAR + GAP
    height = y + 6
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="30">{escape(title)}</text>',
        f'<text class="quiet" x="20" y="50">{escape(subtitle)}</text>',
        *(_legend(series, room) if len(series) > 1 else ()),
        *_grid(most, y, room),
    ]
    return "\n".join([*head, *body, "</svg>"]) + "\n"


def _group(group: Group, y: float, room: Room) -> list[str]:
    colour = "ours" if group.ours else "theirs"
    middle = y + len(group.bars) * BAR / 2 + 4.5
    parts = [
        f'<text class="text" x="{room.left - 10:.1f}" y="{middle:g}" text-anchor="end">{escape(group.name)}</text>'
    ]
    for number, bar in enumerate(group.bars):
        at = y + number * BAR
        line, behind = at + BAR / 2, max(room.at(bar.high), room.at(bar.value)) + 7
        parts += [
            f'<rect class="{colour}{number}" x="{room.left:.1f}" y="{at + 1:g}" width="{bar.value * room.scale:.1f}"'
            f' height="{BAR - 2}" rx="2"/>',
            f'<line class="whisker" x1="{room.at(bar.low):.1f}" x2="{room.at(bar.high):.1f}" y1="{line:g}"'
            f' y2="{line:g}" opacity="0.7"/>',
            f'<text class="text" x="{behind:.1f}" y="{line + 4.5:g}">{escape(bar.text)}</text>',
        ]
    return parts


def _legend(series: Sequence[str], room: Room) -> list[str]:
    parts = []
    x = room.left
    for number, name in enumerate(series):
        parts += [
            f'<rect class="ours{number}" x="{x:.1f}" y="61" width="10" height="10" rx="2"/>',
            f'<rect class="theirs{number}" x="{x + 12:.1f}" y="61" width="10" height="10" rx="2"/>',
            f'<text class="quiet" x="{x + 28:.1f}" y="71">{escape(name)}</text>',
        ]
        x += 56 + LETTER * len(name)
    return parts


def _grid(most: float, bottom: float, room: Room) -> list[str]:
    """Thin lines at round numbers, without labels: every bar says its number."""
    step = round_step(most / 5)
    return [
        f'<line class="grid" x1="{room.at(n * step):.1f}" x2="{room.at(n * step):.1f}" y1="{room.top - 4:g}"'
        f' y2="{bottom - GAP + 4:g}" opacity="0.6"/>'
        for n in range(int(most / step) + 1)
    ]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … that is not below this (above 0)."""
    power = 1.0
    while power > least:
        power /= 10
    while power * 10 <= least:
        power *= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
