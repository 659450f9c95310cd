"""What the throughput rows say, and who is measured when."""

from __future__ import annotations

from collections import Counter

from bench.report.throughput import figures, tables
from bench.sections.throughput import schedule
from bench.sides.side import Side

from benchmarks.rounds import measured, result


def test_the_ratio_is_to_the_better_celery_of_the_same_round() -> None:
    rows = [
        measured("celery-prefork", 1, 100.0),
        measured("celery-solo", 1, 200.0),
        measured("celery-prefork", 2, 50.0),
        measured("celery-solo", 2, 25.0),
        measured("tradefree-batch-mariadb", 1, 800.0),
        measured("tradefree-batch-mariadb", 2, 100.0),
    ]
    ours = next(figure for figure in figures(rows) if figure.side == "tradefree-batch-mariadb")
    assert ours.ratio is not None
    assert (ours.ratio.low, ours.ratio.high) == (2.0, 4.0)
    assert ours.rate.median == 450.0


def test_sizes_are_compared_with_their_own_size() -> None:
    rows = [
        measured("celery-solo", 1, 100.0),
        measured("celery-solo", 1, 10.0, size=5000),
        measured("huey", 1, 100.0, size=5000),
    ]
    assert [(f.side, f.size, f.ratio and f.ratio.median) for f in figures(rows) if f.side == "huey"] == [
        ("huey", 5000, 10.0)
    ]


def test_a_run_without_celery_has_no_ratios() -> None:
    assert [figure.ratio for figure in figures([measured("rq", 1, 100.0)])] == [None]


def test_cpu_time_is_per_task_and_added_up() -> None:
    row = measured("tradefree-batch-mariadb", 1, 100.0, api=200.0, worker=300.0, mariadb=100.0, redis=1.0, client=50.0)
    _, cpu = tables(result("throughput", row))
    assert cpu.rows == [["Tradefree, batches, MariaDB", "150", "50.00", "200.00", "300.00", "100.00", "1.00", "651.00"]]


def test_some_sides_are_measured_in_every_second_round_only() -> None:
    always, sometimes = Side("a", "A"), Side("b", "B")
    sometimes.every = 2
    turns = list(schedule([always, sometimes], 5))
    assert Counter(side.name for _, side in turns) == {"a": 5, "b": 3}
    assert [number for number, side in turns if side is sometimes] == [1, 3, 5]
