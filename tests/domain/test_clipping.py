"""Results over the limit: what is kept fits, is a beginning, and says what the whole was."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefree.tasks.clipping import Clipped, clip, clipped

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.integers(1_000, 2_000))
def test_what_is_kept_fits_and_is_the_beginning_of_the_whole(value: Any, limit: int) -> None:
    whole = orjson.dumps({"data": value, "pad": ['"\\\n', "x" * 3_000, "中文" * 500]})
    stored, what = clip(whole, limit)
    assert len(orjson.dumps(stored)) <= limit
    assert whole.decode().startswith(stored["$clipped"]["beginning"])
    assert what == clipped(stored) == Clipped(len(whole), hashlib.sha256(whole).hexdigest())


@pytest.mark.parametrize("text", ["x", '"', "中", "👋", "\\"])
def test_most_of_the_room_is_used(text: str) -> None:
    stored, _ = clip(orjson.dumps(text * 9_000), 5_000)
    assert 4_000 < len(orjson.dumps(stored)) <= 5_000


@pytest.mark.parametrize("output", [None, "text", [], {}, {"$clipped": 1}, {"$clipped": {"bytes": 1}}, {"bytes": 1}])
def test_a_whole_result_is_not_taken_for_a_clipped_one(output: Any) -> None:
    assert clipped(output) is None
