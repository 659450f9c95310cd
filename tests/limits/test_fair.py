"""The fair order of lanes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tradefree.limits.fair import FairLanes
from tradefree.limits.scopes import Scope

FULL = Scope("lane", "full")
OTHER = Scope("lane", "other")


def one_type(_: str) -> str:
    return "t"


def serve(lanes: FairLanes, turns: int) -> str:
    """The lanes served in so many turns."""
    served = ""
    for _ in range(turns):
        lane = lanes.next()
        if lane is None:
            break
        served += lane
        lanes.served(lane)
    return served


def a(lanes: str) -> FairLanes:
    fair = FairLanes(one_type)
    fair.add(lanes)
    return fair


def room_for(places: float, scope: Scope = FULL) -> dict[Scope, float]:
    return {scope: places}


def test_nothing_known_nothing_served() -> None:
    assert FairLanes(one_type).next() is None


def test_each_gets_a_turn_in_the_order_of_arrival() -> None:
    assert serve(a("abc"), 7) == "abcabca"


def test_adding_a_known_lane_changes_nothing() -> None:
    lanes = a("ab")
    assert serve(lanes, 1) == "a"
    lanes.add("a")
    lanes.add("a")
    assert serve(lanes, 4) == "baba"
    assert len(lanes) == 2


def test_a_lane_that_was_away_has_no_credit() -> None:
    lanes = a("a")
    serve(lanes, 100)
    lanes.add("b")
    served = serve(lanes, 10)
    assert Counter(served) == {"a": 5, "b": 5}


def test_going_and_coming_back_gains_nothing() -> None:
    """Else a lane could jump the line by emptying itself again and again."""
    lanes = a("ab")
    served = ""
    for _ in range(30):
        served += serve(lanes, 1)
        if served[-1] == "a":
            lanes.drop("a")
            lanes.add("a")
    assert Counter(served) == {"a": 15, "b": 15}


def test_a_dropped_lane_is_not_served() -> None:
    lanes = a("abc")
    lanes.drop("b")
    assert "b" not in lanes
    assert serve(lanes, 4) == "acac"
    lanes.drop("nobody")


def test_a_parked_lane_is_not_served_until_there_is_room() -> None:
    lanes = a("ab")
    assert lanes.next() == "a"
    lanes.park("a", FULL)
    assert serve(lanes, 3) == "bbb"
    assert not lanes.unpark(lambda _: 0)
    assert lanes.unpark(lambda _: 1)
    assert "a" in serve(lanes, 2)


def test_as_many_come_back_as_there_are_places() -> None:
    lanes = a("abcd")
    while lane := lanes.next():
        lanes.park(lane, FULL)
    assert lanes.unpark(lambda _: 2)
    assert lanes.next() == "a"
    assert lanes.next() == "b"
    assert lanes.next() is None


def test_parked_lanes_come_back_in_their_order() -> None:
    lanes = a("abc")
    assert serve(lanes, 4) == "abca"
    while lane := lanes.next():
        lanes.park(lane, FULL)
    served = ""
    for _ in range(6):
        lanes.unpark(lambda _: 1)
        lane = lanes.next()
        assert lane is not None
        served += lane
        lanes.served(lane)
        full = lanes.next()
        assert full is not None
        lanes.park(full, FULL)
    assert served == "bcabca"


def test_scopes_are_apart() -> None:
    lanes = a("ab")
    for lane, scope in (("a", FULL), ("b", OTHER)):
        assert lanes.next() == lane
        lanes.park(lane, scope)
    assert lanes.unpark(lambda scope: 1 if scope == OTHER else 0)
    assert lanes.next() == "b"
    assert lanes.next() is None


def test_a_parked_lane_may_be_dropped() -> None:
    lanes = a("a")
    lanes.park(lanes.next() or "", FULL)
    lanes.drop("a")
    assert not lanes.unpark(lambda _: 5)
    assert lanes.next() is None
    lanes.add("a")
    assert serve(lanes, 2) == "aa"


def test_who_was_blocked_for_long_does_not_take_everything_afterwards() -> None:
    """A type at its cap for an hour must not push all others aside when the cap is raised."""
    lanes = a("ab")
    assert lanes.next() == "a"
    lanes.park("a", FULL)
    serve(lanes, 1000)
    lanes.unpark(lambda _: 1)
    assert Counter(serve(lanes, 10)) == {"a": 5, "b": 5}


def test_who_was_blocked_for_long_does_not_favour_newcomers() -> None:
    lanes = a("ab")
    assert lanes.next() == "a"
    lanes.park("a", FULL)
    serve(lanes, 1000)
    lanes.unpark(lambda _: 1)
    lanes.next()
    lanes.served("a")
    lanes.add("c")
    assert Counter(serve(lanes, 9))["c"] <= 4


def test_turns_that_came_to_nothing_are_given_back() -> None:
    """A lane with a task now and then was given many turns for it, and used one."""
    lanes = a("ab")
    assert Counter(serve(lanes, 20)) == {"a": 10, "b": 10}
    lanes.served("b", -9)
    lanes.drop("b")
    serve(lanes, 2)
    lanes.add("b")
    assert "b" in serve(lanes, 2)


def test_a_lane_set_aside_waits_and_is_first_again() -> None:
    lanes = a("ab")
    assert lanes.next() == "a"
    lanes.served("a")
    lanes.served("a", -1)
    lanes.set_aside("a")
    assert serve(lanes, 5) == "bbbbb"
    lanes.resume()
    assert serve(lanes, 1) == "a"
    lanes.set_aside("a")
    lanes.drop("a")
    lanes.resume()
    assert serve(lanes, 2) == "bb"


def test_a_lane_first_for_long_gives_newcomers_no_credit() -> None:
    lanes = a("ab")
    lanes.next()
    lanes.set_aside("a")
    serve(lanes, 100)
    lanes.resume()
    assert lanes.next() == "a"
    lanes.set_aside("a")
    lanes.add("c")
    assert Counter(serve(lanes, 10)) == {"b": 5, "c": 5}


def test_memory_of_lanes_that_are_gone_is_bounded() -> None:
    lanes = FairLanes(one_type)
    for number in range(10_000):
        name = f"lane {number}"
        lanes.add([name])
        assert lanes.next() == name
        lanes.served(name)
        lanes.drop(name)
    assert len(lanes) == 0
    assert len(lanes._lanes["t"]._finish) <= 1002


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 30)), min_size=2, max_size=6, unique_by=lambda t: t[0])
)
def test_no_lane_with_work_is_ever_a_turn_behind(backlogs: list[tuple[str, int]]) -> None:
    """Whatever the backlogs: as long as two lanes both have work, their turns differ by at most one."""
    left = dict(backlogs)
    lanes = a("".join(left))
    turns: Counter[str] = Counter()
    while lane := lanes.next():
        lanes.served(lane)
        turns[lane] += 1
        left[lane] -= 1
        waiting = [turns[name] for name, number in left.items() if number > 0]
        assert not waiting or max(waiting) - min(waiting) <= 1
        if left[lane] == 0:
            lanes.drop(lane)
    assert turns == Counter(dict(backlogs))
