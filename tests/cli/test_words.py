from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradefree.cli.words import ago, between, clean, labels, plural, span

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (0.9, "now"),
        (3.9, "3 s ago"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (86400 * 9, "9 d ago"),
        (-5, "in 5 s"),
        (-7200, "in 2 h"),
    ],
)
def test_ago(seconds: float, words: str) -> None:
    assert ago((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == words


def test_a_moment_without_an_offset_is_utc() -> None:
    assert ago("2026-01-31T07:59:57", NOW) == "3 s ago"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0 ms"),
        (0.35, "350 ms"),
        (0.9996, "1 s"),
        (3.24, "3.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (63, "1 min 3 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (90000, "1 d 1 h"),
        (-1, "0 ms"),
    ],
)
def test_span(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_between() -> None:
    assert between("2026-01-31T08:00:00Z", "2026-01-31T16:00:01.5+08:00") == 1.5
    assert between("2026-01-31T08:00:01Z", "2026-01-31T08:00:00Z") is None
    assert between(None, "2026-01-31T08:00:00Z") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("订单 ok", "订单 ok"),
        ("a\tb\nc", "a b c"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\x07", "\\x07"),
    ],
)
def test_other_peoples_text_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_small_words() -> None:
    assert labels({"b": "2", "a": "1"}) == "a=1, b=2"
    assert plural(1, "task") == "1 task"
    assert plural(0, "task") == "0 tasks"
