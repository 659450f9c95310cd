"""Storms and browsers take turns: only one of a group is at work. Versions of pytest and xdist that do not fit together
forget the groups in silence. What is short is shared out by the file."""

from __future__ import annotations

import pytest

from shares import Shares


@pytest.mark.xdist_group("a-group")
def test_a_group_is_known_to_those_who_share_out_tests(request: pytest.FixtureRequest, worker_id: str) -> None:
    alone = worker_id == "master"
    assert alone or request.node.nodeid.endswith("@a-group")


@pytest.mark.parametrize(
    ("test", "share"),
    [
        ("tests/console/test_a.py::test_b[x]@console", "console"),
        ("tests/domain/test_a.py::test_b", "tests/domain/test_a.py"),
        ("tests/test_a.py::test_b[an@address]", "tests/test_a.py"),
        ("tests/faults/test_a.py::test_b[x]", "tests/faults/test_a.py::test_b[x]"),
    ],
)
def test_what_goes_to_one_process_as_a_whole(test: str, share: str) -> None:
    assert Shares.__new__(Shares)._split_scope(test) == share
