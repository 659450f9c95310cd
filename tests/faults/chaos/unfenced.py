"""The negative control: a worker that believes in its lease for ever, and whose results are taken whatever happened.

``python -m faults.chaos.unfenced worker …`` is ``tradefree worker …`` with both halves of the fence taken out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tradefree.cli.main import run
from tradefree.tasks import transitions
from tradefree.tasks.outcome import Report
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules
from tradefree.worker import writer
from tradefree.worker.runtime import Runtime


def finish(task: Task, report: Report, rules: Rules, now: datetime, luck: float) -> Change | None:
    """Take every report as if the task still were in the hands of the worker that sent it."""
    if (change := transitions.finish(task, report, rules, now, luck)) is not None:
        return change
    believed = replace(task, status=Status.PROCESSING, attempt_count=report.attempt, worker_id=report.worker_id)
    change = transitions.finish(believed, report, rules, now, luck)
    return change and replace(change, before=task, attempt=None)  # of that attempt there is a row: it was lost


def main() -> None:
    Runtime.well = property(lambda _: True)  # type: ignore[assignment, method-assign]
    writer.finish = finish  # type: ignore[attr-defined]
    run()


if __name__ == "__main__":
    main()
