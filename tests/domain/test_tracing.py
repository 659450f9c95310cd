"""W3C trace context: what is handed on, and what the standard says to ignore."""

from __future__ import annotations

import pytest

from tradefree.tasks.tracing import traceparent_of

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("header", [GOOD, f" {GOOD} ", "cc" + GOOD[2:], f"cc{GOOD[2:]}-what-comes"])
def test_a_good_one_is_handed_on(header: str) -> None:
    found = traceparent_of(header)
    assert found is not None
    assert found[2:] == GOOD[2:]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        GOOD.upper(),
        "ff" + GOOD[2:],
        f"{GOOD}-more",
        GOOD[:-1],
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        GOOD + "\r\nX-Evil: 1",
        "cc" + GOOD[2:] + "-" + "x" * 5 + "\n",
    ],
)
def test_another_one_is_ignored(header: str | None) -> None:
    found = traceparent_of(header)
    assert found is None or ("\n" not in found and len(found) == len(GOOD))


def test_a_line_end_inside_is_no_trace() -> None:
    assert traceparent_of(f"cc{GOOD[2:]}-a\nb") is None
