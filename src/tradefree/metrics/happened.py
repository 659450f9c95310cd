"""What happens in this process, as counters and histograms in a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from tradefree.metrics.bounds import MOST_CODES, MOST_NAMES, OTHER, Few
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, HandBack, LetGo, NothingStarted, Outcome
from tradefree.tasks.task import Task, Usage

SOON = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""Seconds: from a task that begins at once to one that waits for hours."""
RUNS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds: what a model needs."""
ROUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LATE = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ANSWERS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNDELIVERED = ("redirect", "no_subscription", "timeout", "address_refused", "unreachable", "certificate", "no_answer")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Happened:
    """Counts. Implements ``ports.LeadObserver`` and ``ports.WorkObserver``; may be called from any thread."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each began is a line more, of no use here
        self.registry = made = CollectorRegistry()
        ProcessCollector(registry=made)
        GCCollector(registry=made)
        Info("tradefree_build", "The version that runs.", registry=made).info({"version": version})
        self._types, self._codes, self._currencies = Few(MOST_NAMES), Few(MOST_CODES), Few(MOST_CODES)
        self._attempts = Counter("tradefree_attempts", "Attempts that ended here.", ("type", "outcome"), registry=made)
        self._start_wait = Histogram(
            "tradefree_task_start_wait_seconds",
            "From the moment that a task may run to its first attempt.",
            ("type",),
            buckets=SOON,
            registry=made,
        )
        self._run_time = Histogram(
            "tradefree_attempt_duration_seconds", "How long attempts took.", ("type",), buckets=RUNS, registry=made
        )
        self._running = Gauge("tradefree_worker_running_attempts", "Attempts under way here.", registry=made)
        self._tokens = Counter(
            "tradefree_tokens",
            "Tokens that upstreams reported: prompt, completion, other.",
            ("type", "kind"),
            registry=made,
        )
        self._cost = Counter(
            "tradefree_cost", "What upstreams said that it cost, in the currency.", ("type", "currency"), registry=made
        )
        self._upstream = Counter(
            "tradefree_upstream_errors",
            "Attempts that an upstream refused or failed, by the code of the reason.",
            ("connection", "code"),
            registry=made,
        )
        self._deliveries = Counter(
            "tradefree_callback_deliveries",
            "Tries to deliver callbacks, by what came of them.",
            ("outcome",),
            registry=made,
        )
        self._leads = Gauge("tradefree_dispatcher_leading", "1 while this process leads.", registry=made)
        self._rounds = Counter(
            "tradefree_dispatcher_rounds",
            "Rounds of the dispatcher, by what came of them.",
            ("outcome",),
            registry=made,
        )
        self._round_time = Histogram(
            "tradefree_dispatcher_round_duration_seconds", "How long rounds took.", buckets=ROUNDS, registry=made
        )
        self._admitted = Counter("tradefree_dispatcher_admitted_tasks", "Tasks that rounds admitted.", registry=made)
        self._losses = Counter("tradefree_worker_lease_losses", "Times that a lease was lost.", registry=made)
        self._beats = Counter("tradefree_worker_beats", "Beats of the worker.", ("outcome",), registry=made)
        self._late = Histogram(
            "tradefree_worker_beat_delay_seconds", "How late beats began.", buckets=LATE, registry=made
        )
        self._requests = Counter(
            "tradefree_http_requests", "Answered requests.", ("method", "route", "status"), registry=made
        )
        self._answers = Histogram(
            "tradefree_http_response_start_seconds",
            "From a request to the beginning of its answer.",
            ("method", "route"),
            buckets=ANSWERS,
            registry=made,
        )
        for outcome in ("done", "lost", "database", "outdated", "fault"):
            self._rounds.labels(outcome)
        for outcome in ("written", "failed"):
            self._beats.labels(outcome)

    # ── the dispatcher ──────────────────────────────────────────────────────────────────────────────────────────────

    def leads(self, leading: bool) -> None:
        """See ``ports.LeadObserver``."""
        self._leads.set(leading)

    def round(self, seconds: float, admitted: int) -> None:
        """See ``ports.LeadObserver``."""
        self._rounds.labels("done").inc()
        self._round_time.observe(seconds)
        self._admitted.inc(admitted)

    def round_failed(self, why: str) -> None:
        """See ``ports.LeadObserver``."""
        self._rounds.labels(why).inc()

    # ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def began(self, task: Task) -> None:
        """See ``ports.WorkObserver``."""
        self._running.inc()
        if task.attempt_count == 1 and task.started_at is not None:
            waited = (task.started_at - max(task.created_at, task.run_at)).total_seconds()
            self._start_wait.labels(self._types.word(task.type)).observe(max(0.0, waited))

    def ended(self, task: Task, connection: str | None, outcome: Outcome | None, seconds: float) -> None:
        """See ``ports.WorkObserver``."""
        self._running.dec()
        name = self._types.word(task.type)
        self._attempts.labels(name, _WORDS[type(outcome)]).inc()
        if outcome is None:
            return
        self._run_time.labels(name).observe(seconds)
        self._spent(name, getattr(outcome, "usage", Usage()))
        code = _code(outcome)
        if connection is not None and code is not None:
            self._upstream.labels(connection, self._codes.word(code)).inc()
        if task.type == CALLBACK:
            self._deliveries.labels("delivered" if code is None else _class(code)).inc()

    def _spent(self, type_: str, usage: Usage) -> None:
        parts = {"prompt": usage.prompt_tokens or 0, "completion": usage.completion_tokens or 0}
        parts["other"] = (usage.total_tokens or 0) - sum(parts.values())
        for kind, number in parts.items():
            if number > 0:
                self._tokens.labels(type_, kind).inc(number)
        if usage.price is not None and usage.price > 0:
            self._cost.labels(type_, self._currencies.word(usage.currency or "unknown")).inc(float(usage.price))

    def beat(self, late: float, *, good: bool) -> None:
        """See ``ports.WorkObserver``."""
        self._beats.labels("written" if good else "failed").inc()
        self._late.observe(late)

    def lease_lost(self) -> None:
        """See ``ports.WorkObserver``."""
        self._losses.inc()

    # ── the service ─────────────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request to a route (its pattern, never its path) was answered."""
        method = method if method in METHODS else OTHER
        self._requests.labels(method, route, str(status)).inc()
        self._answers.labels(method, route).observe(seconds)


_WORDS: dict[type, str] = {
    Completed: "completed",
    DidNotWork: "failed",
    NothingStarted: "deferred",
    LetGo: "cancelled",
    Asked: "asked",
    HandBack: "handed_back",
    type(None): "dropped",
}


def _code(outcome: Outcome) -> str | None:
    """Why the upstream did not do it; None if it did, or if nobody wanted it any more."""
    match outcome:
        case DidNotWork():
            return outcome.code
        case NothingStarted():
            return "unreachable" if outcome.unreachable else "busy"
    return None


def _class(code: str) -> str:
    """``http_5xx`` for ``http_503``: receivers answer what they like."""
    if code.startswith("http_"):
        return f"{code[:6]}xx"
    return code if code in UNDELIVERED else OTHER
