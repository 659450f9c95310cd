"""Whatever happens in whatever order: no task is lost, none is performed twice at once, every limit holds."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from protocol.machine import Machine
from stores.engines import ENGINES

CHECKS = list(HealthCheck)


def test_in_memory() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS),
    )


def test_on_sqlite() -> None:
    class OnSqlite(Machine):
        engine = staticmethod(ENGINES["sqlite"])

    run_state_machine_as_test(
        OnSqlite,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=CHECKS,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
