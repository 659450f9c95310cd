"""Rooms, scopes and places on workers."""

from __future__ import annotations

from collections import Counter

from tradefree.limits.places import Places, Seat
from tradefree.limits.room import Cap, Room
from tradefree.limits.scopes import Scope

TYPE, LANE = Scope("type", "a"), Scope("lane", "a/1")


def a_room(used: dict[Scope, int] | None = None, **caps: int | None) -> Room:
    return Room(lambda scope: Cap(caps.get(scope.kind)), Counter(used or {}))


def seats(**capacity: int) -> list[Seat]:
    return [Seat(name, ("default",), number, 0) for name, number in capacity.items()]


# ── room ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_cap_is_no_limit() -> None:
    room = a_room({TYPE: 10**9})
    assert room.left(TYPE) == float("inf")
    assert room.full([TYPE, LANE]) is None


def test_places_left() -> None:
    room = a_room({TYPE: 3}, type=5)
    assert room.left(TYPE) == 2
    room.take([TYPE, LANE])
    room.take([TYPE])
    assert room.left(TYPE) == 0
    room.take([TYPE], -2)
    assert room.left(TYPE) == 2


def test_a_cap_that_was_lowered_leaves_nothing_and_never_less() -> None:
    assert a_room({TYPE: 9}, type=5).left(TYPE) == 0


def test_the_first_full_scope_is_named() -> None:
    room = a_room({TYPE: 5, LANE: 2}, type=5, lane=2)
    assert room.full([LANE, TYPE]) == LANE
    assert room.full([TYPE, LANE]) == TYPE
    assert room.full([Scope("queue", "q")]) is None


def test_a_scope_reads_well() -> None:
    assert str(LANE) == "lane:a/1"


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_least_loaded_worker_is_taken() -> None:
    places = Places(seats(big=20, small=2))
    taken = Counter(places.take("default") for _ in range(11))
    assert taken == {"big": 10, "small": 1}


def test_no_worker_gets_more_than_its_capacity() -> None:
    places = Places([Seat("a", ("default",), 3, 2), Seat("b", ("default",), 1, 0), Seat("over", ("default",), 1, 4)])
    assert places.left("default") == 2
    assert Counter(places.take("default") for _ in range(5)) == {"a": 1, "b": 1, None: 3}
    assert places.left("default") == 0


def test_only_workers_of_the_queue() -> None:
    places = Places([Seat("a", ("slow",), 5, 0), Seat("b", ("slow", "default"), 1, 0)])
    assert (places.left("slow"), places.left("default"), places.left("none")) == (6, 1, 0)
    assert places.take("default") == "b"
    assert places.take("default") is None
    assert places.take("none") is None
    assert places.left("slow") == 5


def test_a_worker_that_performs_a_suspect_gets_nothing_beside_it() -> None:
    places = Places([Seat("a", ("default",), 10, 1, suspects=1)])
    assert places.left("default") == 0
    assert places.take("default") is None
    assert places.take_alone("default") is None


def test_a_suspect_gets_an_empty_worker_for_itself() -> None:
    places = Places([Seat("busy", ("default",), 10, 1), Seat("empty", ("default",), 10, 0)])
    assert places.take_alone("default") == "empty"
    assert places.left("default") == 9
    assert {places.take("default") for _ in range(9)} == {"busy"}
    assert places.take("default") is None


def test_without_an_empty_worker_the_least_busy_is_kept_free() -> None:
    places = Places([Seat("a", ("default",), 10, 3), Seat("b", ("default",), 10, 2)])
    assert places.take_alone("default") is None
    assert places.left("default") == 7
    assert places.take_alone("default") is None
    assert places.left("default") == 7
    assert {places.take("default") for _ in range(7)} == {"a"}
    assert places.take("default") is None


def test_suspects_of_other_queues_reserve_nothing_here() -> None:
    places = Places([Seat("a", ("slow",), 10, 3), Seat("b", ("default",), 10, 2)])
    assert places.take_alone("slow") is None
    assert places.left("default") == 8
    assert places.take("default") == "b"


def test_two_suspects_two_workers() -> None:
    places = Places(seats(a=5, b=5))
    assert {places.take_alone("default"), places.take_alone("default")} == {"a", "b"}
    assert places.take_alone("default") is None
    assert places.left("default") == 0


def test_no_workers() -> None:
    places = Places([])
    assert places.left("default") == 0
    assert places.take("default") is None
    assert places.take_alone("default") is None


def test_a_worker_without_capacity() -> None:
    places = Places(seats(a=0))
    assert places.take("default") is None
