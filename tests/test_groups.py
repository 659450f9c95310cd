"""Storms and browsers take turns: only one of a group is at work. Versions of pytest and xdist that do not fit together
forget the groups in silence."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("a-group")
def test_a_group_is_known_to_those_who_share_out_tests(request: pytest.FixtureRequest, worker_id: str) -> None:
    alone = worker_id == "master"
    assert alone or request.node.nodeid.endswith("@a-group")
