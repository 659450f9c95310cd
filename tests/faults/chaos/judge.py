"""The judge: what must hold after any storm, looked for in the evidence. Each finding is a sentence; none is the aim.

What is meant by the words:

* A task is **lost** if it was accepted and has no row, or has not ended.
* It **finished twice** if more than one of its attempts has the outcome ``completed``, or it was said more than once.
* Two **performances overlap** if two attempts of one task were at work in the same moment. At Dify: the second run was
  accepted before the first had ended. In our own runner: from its first line to its last, or to its process's death.
  A frozen process performs nothing while it is frozen; what it still does within ``NOTICE`` seconds after it was thawed
  is not held against it, for it cannot know before it looks.
* A **start at Dify is explained** if it is the first of its task, or if the run before it had ended without success and
  an attempt since then says so (outcome ``failed``). So a run that succeeded is never followed by another, and a
  worker's death alone explains nothing: what it started must be found again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from faults.chaos.evidence import Evidence, Performance, Row
from faults.chaos.plan import BY_NAME, KINDS
from faults.chaos.strikes import Strike
from tradefree.testing.dify_standin import Entry, overlapping_runs, peak_running, runs_by_task

NOTICE = 2.0
"""Seconds a process on a busy machine has, once thawed, to notice that it was away for too long."""
POISON = 3
"""Lost attempts after which a task may be given up as the cause of its workers' deaths."""
SHOWN = 5
"""Examples of one kind of finding."""


def verdict(evidence: Evidence) -> list[str]:
    """All that is wrong; empty if nothing is."""
    findings: list[str] = []
    for question in (
        _acceptance,
        _ends,
        _once,
        _attempts,
        _totals,
        _overlaps_at_dify,
        _overlaps_at_ours,
        _starts,
        _successes,
        _caps_at_dify,
        _caps_at_ours,
        _places,
        _answers,
        _deaths,
    ):
        found = list(question(evidence))
        findings += found[:SHOWN]
        if len(found) > SHOWN:
            findings.append(f"… and {len(found) - SHOWN} more of this kind ({question.__name__.strip('_')})")
    return findings


# ── nothing lost, nothing twice ─────────────────────────────────────────────────────────────────────────────────────


def _acceptance(evidence: Evidence) -> Iterator[str]:
    """Accepted = rows, one for each idempotency key."""
    for number in evidence.wanted:
        ids = evidence.ids.get(number, set())
        if len(ids) != 1:
            yield f"task {number} was accepted under {len(ids)} ids: {sorted(ids)}"
    accepted = set(evidence.accepted.values())
    for task_id in accepted - set(evidence.tasks):
        yield f"{task_id} was accepted and has no row"
    for task_id in set(evidence.tasks) - accepted:
        yield f"{task_id} has a row and nobody was told"


def _ends(evidence: Evidence) -> Iterator[str]:
    for number, task_id in evidence.accepted.items():
        task, wanted = evidence.tasks.get(task_id), evidence.wanted[number]
        if task is None:
            continue
        if task["holds_slot"] is not None:
            yield f"{task_id} still holds its place; it is {task['status']}"
        if task["status"] == wanted.ends_as:
            if task["status"] == "completed" and int(task["output"]["n"]) != number:
                yield f"{task_id} has the result of task {task['output']['n']} instead of {number}"
        elif not _poisoned(task, evidence):
            yield f"{task_id} ({wanted.kind}) is {task['status']}: {task['error_code']}, {task['error_message']}"


def _poisoned(task: Row, evidence: Evidence) -> bool:
    """Given up because its workers died, and so they did, by our hand."""
    killed = {strike.pid for strike in evidence.strikes}
    lost = [row for row in evidence.attempts.get(task["id"], ()) if row["outcome"] == "lost"]
    return task["error_code"] == "poison" and sum(evidence.pids.get(a["worker_id"]) in killed for a in lost) >= POISON


def _once(evidence: Evidence) -> Iterator[str]:
    """Finished once: one attempt that completed it, one line that says so, and one that says it was accepted."""
    for task_id, task in evidence.tasks.items():
        completed = sum(row["outcome"] == "completed" for row in evidence.attempts.get(task_id, ()))
        should = int(task["status"] == "completed")
        if completed != should:
            yield f"{task_id} is {task['status']} and has {completed} completed attempts"
        for event, number in (("completed", should), ("failed", int(task["status"] == "failed")), ("accepted", 1)):
            said = evidence.lines.get((task_id, f"task.{event}"), 0)
            if said != number:
                yield f"{task_id} is {task['status']} and its log says {said} times that it was {event}"


def _attempts(evidence: Evidence) -> Iterator[str]:
    """Every attempt has one row, and nothing else has."""
    for task_id, task in evidence.tasks.items():
        numbers = [row["number"] for row in evidence.attempts.get(task_id, ())]
        if numbers != list(range(1, task["attempt_count"] + 1)):
            yield f"{task_id} had {task['attempt_count']} attempts, and rows for {numbers}"
    for task_id in set(evidence.attempts) - set(evidence.tasks):
        yield f"there are attempts of {task_id}, which has no row"


def _totals(evidence: Evidence) -> Iterator[str]:
    counted = Counter((task["type"], task["status"]) for task in evidence.tasks.values())
    for key in counted.keys() | evidence.totals.keys():
        if counted[key] != evidence.totals.get(key, 0):
            yield f"{counted[key]} tasks are {' '.join(key)}, and the running total says {evidence.totals.get(key, 0)}"


# ── nothing twice at once ───────────────────────────────────────────────────────────────────────────────────────────


def _overlaps_at_dify(evidence: Evidence) -> Iterator[str]:
    for first, second in overlapping_runs(evidence.runs):
        yield f"two runs at once: {_run(first)} until {first.ended_mono}, and {_run(second)}"


def _overlaps_at_ours(evidence: Evidence) -> Iterator[str]:
    by_task: defaultdict[str, list[Performance]] = defaultdict(list)
    for performance in evidence.performances:
        if performance.ended is None:
            yield f"attempt {performance.attempt} of {performance.task} in process {performance.pid} has no end"
        by_task[performance.task].append(performance)
    for performances in by_task.values():
        performances.sort(key=lambda performance: performance.attempt)
        for first, second in pairwise(performances):
            if together := _together(at_work(first, evidence.strikes), at_work(second, evidence.strikes)):
                yield (
                    f"attempts {first.attempt} and {second.attempt} of {first.task} were at work together for "
                    f"{together:.2f} s, in processes {first.pid} ({first.how}) and {second.pid} ({second.how})"
                )


Span = tuple[float, float]


def at_work(performance: Performance, strikes: Iterable[Strike]) -> list[Span]:
    """When it was at work: without the time its process was frozen, and without a last moment after that."""
    begin, end = performance.began, performance.ended if performance.ended is not None else float("inf")
    spans: list[Span] = []
    frozen = [(s.at, s.over) for s in strikes if "freeze" in s.kind and s.pid == performance.pid]
    for at, over in sorted(frozen):
        if begin < at < end:
            spans.append((begin, at))
            begin = over
            if end <= over + NOTICE:
                return spans
    return [*spans, (begin, end)] if begin < end else spans


def _together(first: list[Span], second: list[Span]) -> float:
    return sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in first for b in second)


# ── nothing paid for twice ──────────────────────────────────────────────────────────────────────────────────────────


def _starts(evidence: Evidence) -> Iterator[str]:
    for task_id, runs in runs_by_task(evidence.runs).items():
        if task_id not in evidence.tasks:
            yield f"Dify ran {_run(runs[0])} of a task that does not exist"
        for before, run in pairwise(runs):
            if not _explained(before, run, evidence.attempts.get(task_id, ())):
                yield f"unexplained start: {_run(run)}, after {_run(before)} ended as {before.outcome}"


def _explained(before: Entry, run: Entry, attempts: Iterable[Row]) -> bool:
    since = range(_attempt(before), _attempt(run))
    said_so = any(row["outcome"] == "failed" and row["number"] in since for row in attempts)
    return before.outcome not in (None, "succeeded", "partial-succeeded") and said_so


def _successes(evidence: Evidence) -> Iterator[str]:
    """A completed task has one run that succeeded, and a run that succeeded completed its task."""
    runs = runs_by_task(evidence.runs)
    for task_id, task in evidence.tasks.items():
        if not BY_NAME[task["type"]].dify or task["error_code"] == "poison":
            continue
        good = sum(run.outcome == "succeeded" for run in runs.get(task_id, ()))
        if good != (task["status"] == "completed"):
            yield f"{task_id} is {task['status']}, and {good} of its runs succeeded"


def _attempt(run: Entry) -> int:
    return int(run.user.rpartition("-")[2])


def _run(run: Entry) -> str:
    return f"run {run.run_id} for {run.user} at {run.accepted_mono:.3f}"


# ── caps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _caps_at_dify(evidence: Evidence) -> Iterator[str]:
    for kind in KINDS:
        runs = [run for run in evidence.runs if run.app == kind.name]
        if kind.max_running is not None and (peak := peak_running(runs)) > kind.max_running:
            yield f"{peak} runs of {kind.name} at once, its cap is {kind.max_running}"
        if kind.per_key is None:
            continue
        for key in {run.groups.get("customer_id") for run in runs}:
            if (peak := peak_running(runs, f"customer_id={key}")) > kind.per_key:
                yield f"{peak} runs of {kind.name} for {key} at once, its cap is {kind.per_key}"


def _caps_at_ours(evidence: Evidence) -> Iterator[str]:
    spans: defaultdict[tuple[str, str | None], list[Span]] = defaultdict(list)
    for performance in evidence.performances:
        task = evidence.tasks.get(performance.task)
        if task is not None:
            at = at_work(performance, evidence.strikes)
            spans[task["type"], None] += at
            if BY_NAME[task["type"]].per_key is not None:
                spans[task["type"], task["concurrency_key"]] += at
    for (name, key), at in spans.items():
        cap = BY_NAME[name].max_running if key is None else BY_NAME[name].per_key
        if cap is not None and (peak := _peak(at)) > cap:
            yield f"{peak} of {name} at work at once{f' for {key}' if key else ''}, the cap is {cap}"


def _peak(spans: Iterable[Span]) -> int:
    changes = sorted(change for begin, end in spans for change in ((begin, 1), (end, -1)))
    peak = now = 0
    for _, change in changes:
        now += change
        peak = max(peak, now)
    return peak


def _places(evidence: Evidence) -> Iterator[str]:
    """Places in use, as sampled from the rows."""
    for name, peak in evidence.peak_places.items():
        kind = BY_NAME[name.partition("/")[0]]
        cap = kind.max_running if "/" not in name else kind.per_key
        if cap is not None and peak > cap:
            yield f"{peak} places in use for {name}, the cap is {cap}"


# ── what is around ──────────────────────────────────────────────────────────────────────────────────────────────────


def _answers(evidence: Evidence) -> Iterator[str]:
    """While something is away, clients are told so in a way that they can act on."""
    yield from evidence.wrong_answers


def _deaths(evidence: Evidence) -> Iterator[str]:
    for node in evidence.silent_deaths:
        yield f"{node} ended although nobody killed it"
