"""Durations as people write them."""

from __future__ import annotations

import pytest

from tradefree.tasks.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("30s", 30),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("2d", 172_800),
        ("1.5h", 5400),
        ("0.25s", 0.25),
        (" 10 M ", 600),
        ("1d2h3m4s5ms", 93_784.005),
    ],
)
def test_words(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "10x", "-5s", "1h30", "10 apples", "1e3s", ".5s", "1.s", "1,5s", "5min", "∞"]
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="10m"):
        parse_duration(text)


@pytest.mark.parametrize("value", [30, 1.5, None, [], {"s": 1}])
def test_what_is_not_text_is_left_to_the_field(value: object) -> None:
    assert parse_duration(value) is value
