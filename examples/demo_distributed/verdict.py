"""The verdict: every promise held against the facts. Pure; what is broken is named precisely."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from demo_distributed.facts import AttemptRow, Facts
from demo_distributed.timeline import Strike
from demo_distributed.work import ORDERS, PER_CUSTOMER, Work
from tradefree.testing.dify_standin import Entry, overlapping_runs, peak_running

LEFT_BEHIND = ("lost", "handed_back")
"""Outcomes of attempts whose run at Dify may go on without them."""


@dataclass(frozen=True)
class Promise:
    """One promise, and what breaks it."""

    words: str
    broken: Sequence[str] = ()

    @property
    def kept(self) -> bool:
        return not self.broken


@dataclass(frozen=True)
class Reattached:
    """What became of the runs at Dify that a dead worker left behind."""

    taken_up: int = 0
    """The run went on, and the next attempt looked after it."""
    started_late: int = 0
    """The worker had died before it asked for a run."""
    explained: int = 0
    """Started again because the earlier run had ended without a result."""
    paid_twice: tuple[str, ...] = ()
    """Tasks of which two runs gave a result, or two ran at once."""


def judge(facts: Facts, work: Work, accepted: Mapping[int, str], strikes: Sequence[Strike]) -> list[Promise]:
    """Every promise, kept or broken."""
    return [
        _stored_once(facts, accepted),
        Promise("every task completed", _each(facts, lambda id_: _not_completed(facts, id_))),
        Promise("none finished twice", _each(facts, lambda id_: _finished_twice(facts.attempts.get(id_, [])))),
        Promise("each has its own result", _each(facts, lambda id_: _wrong_result(facts, id_))),
        Promise("never two workers at once", _each(facts, lambda id_: _overlap(facts.attempts.get(id_, [])))),
        Promise("every task of Dify ran there, none paid twice", _dify(facts, work)),
        Promise("all caps kept", list(_over_caps(facts, work))),
        Promise("every strike hit", list(_missed(facts, strikes))),
    ]


def reattached(facts: Facts) -> Reattached:
    """The balance of runs at Dify, over the tasks that lost a worker."""
    taken_up = started_late = explained = 0
    paid_twice = [id_ for id_, runs in facts.runs_of.items() if _paid_twice(runs)]
    for id_, some in facts.attempts.items():
        runs = facts.runs_of.get(id_, [])
        if not runs or not any(attempt.outcome in LEFT_BEHIND for attempt in some):
            continue
        last = max(attempt.number for attempt in some)
        explained += len(runs) > 1 and id_ not in paid_twice
        taken_up += len(runs) == 1 and _asked_by(runs[0]) < last
        started_late += len(runs) == 1 and _asked_by(runs[0]) == last
    return Reattached(taken_up, started_late, explained, tuple(paid_twice))


def peaks(facts: Facts, work: Work) -> dict[str, tuple[int, int]]:
    """What is capped → most runs at Dify at one moment, cap."""
    found = {name: (peak_running(facts.runs, f"app={name}"), work.caps[name]) for name in sorted(work.at_dify)}
    customers = (peak_running(facts.runs, f"customer_id={customer}") for customer in work.customers)
    return {**found, f"{ORDERS} of one customer": (max(customers, default=0), PER_CUSTOMER)}


def _each(facts: Facts, problem: Callable[[str], str | None]) -> list[str]:
    return [f"{id_}: {words}" for id_ in facts.tasks if (words := problem(id_))]


def _stored_once(facts: Facts, accepted: Mapping[int, str]) -> Promise:
    ids = list(accepted.values())
    lost, extra = set(ids) - set(facts.tasks), set(facts.tasks) - set(ids)
    broken = [f"{id_}: was accepted and is not in the database" for id_ in lost]
    broken += [f"{id_}: is in the database, and no request was answered with it" for id_ in extra]
    broken += [f"{len(ids) - len(set(ids))} requests were answered with the same task"] * (len(ids) > len(set(ids)))
    return Promise(f"{len(ids)} accepted, {len(facts.tasks)} rows", broken)


def _not_completed(facts: Facts, id_: str) -> str | None:
    task = facts.tasks[id_]
    return None if task.status == "completed" else f"{task.status}: {task.error_message or 'no reason given'}"


def _finished_twice(some: Sequence[AttemptRow]) -> str | None:
    number = sum(attempt.outcome == "completed" for attempt in some)
    return None if number == 1 else f"{number} attempts completed it"


def _wrong_result(facts: Facts, id_: str) -> str | None:
    task = facts.tasks[id_]
    wanted = (task.input_data or {}).get("number")
    got = (task.output_data or {}).get("number")
    return None if wanted is not None and wanted == got else f"input {wanted}, output {got}"


def _overlap(some: Sequence[AttemptRow]) -> str | None:
    for earlier, later in pairwise(some):
        if earlier.finished_at is None or later.started_at is None or later.started_at < earlier.finished_at:
            return f"attempt {later.number} began before attempt {earlier.number} had ended"
    return None


def _dify(facts: Facts, work: Work) -> list[str]:
    broken = [
        f"{id_}: completed, but none of its {len(facts.runs_of.get(id_, []))} runs at Dify succeeded"
        for id_, task in facts.tasks.items()
        if task.type in work.at_dify and not any(run.outcome == "succeeded" for run in facts.runs_of.get(id_, []))
    ]
    broken += [f"{id_}: paid twice at Dify" for id_ in reattached(facts).paid_twice]
    unknown = [run.run_id for id_, runs in facts.runs_of.items() for run in runs if id_ not in facts.tasks]
    return broken + [f"run {run_id} at Dify belongs to no task" for run_id in unknown]


def _paid_twice(runs: list[Entry]) -> bool:
    return sum(run.outcome == "succeeded" for run in runs) > 1 or bool(overlapping_runs(runs))


def _asked_by(run: Entry) -> int:
    """The attempt that started a run: the end of its user's name."""
    return int(run.user.rpartition("-")[2])


def _over_caps(facts: Facts, work: Work) -> Iterable[str]:
    for name, (peak, cap) in peaks(facts, work).items():
        if peak > cap:
            yield f"{name}: {peak} at once, the cap is {cap}"


def _missed(facts: Facts, strikes: Sequence[Strike]) -> Iterable[str]:
    for strike in strikes:
        if strike.back_after is None:
            yield f"{strike.victim} did not come back"
        if strike.kind == "worker" and not lost_by(facts, strike):
            yield f"{strike.victim} died without a task"
        if not any(start > strike.at for start in facts.starts):
            yield f"nothing was left to be started when {strike.victim} died"


def lost_by(facts: Facts, strike: Strike) -> list[AttemptRow]:
    """The attempts that ended with this worker."""
    return [
        attempt
        for attempt in facts.every_attempt
        if attempt.outcome == "lost" and attempt.worker_id == strike.incarnation
    ]
