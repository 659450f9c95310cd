"""The contracts between the domain and the world.

``testing`` ships a double for each, and one conformance suite holds all stores.

A method of a store is one unit of work: one transaction, committed when it returns, safe to repeat when the caller
does not know whether it was committed.
"""

from __future__ import annotations

from typing import Protocol

from tradefree.tasks.ports.browsing import BrowseStore, Known, Place, Standing, TaskFilter
from tradefree.tasks.ports.defining import CatalogStore, Entry, Limits
from tradefree.tasks.ports.following import FollowStore, LineFilter, Lines, Moved
from tradefree.tasks.ports.holding import HoldStore
from tradefree.tasks.ports.leading import Head, Held, LeadStore, Round
from tradefree.tasks.ports.measuring import Measures, MeasureStore
from tradefree.tasks.ports.observing import UNSEEN, LeadObserver, WorkObserver
from tradefree.tasks.ports.running import Run, Runner
from tradefree.tasks.ports.submitting import Accepted, Backlog, Submission, SubmitStore
from tradefree.tasks.ports.subscribing import SubscriptionStore, UrlGuard
from tradefree.tasks.ports.tallying import TallyStore
from tradefree.tasks.ports.telling import DISPATCH, WORKERS, Doorbell, Signals, task_topic
from tradefree.tasks.ports.tracing import UNTRACED, AttemptTrace, Tracer
from tradefree.tasks.ports.working import Beat, Decide, DecideStore, RecoverStore, RunState, WorkStore

__all__ = [
    "DISPATCH",
    "UNSEEN",
    "UNTRACED",
    "WORKERS",
    "Accepted",
    "AttemptTrace",
    "Backlog",
    "Beat",
    "BrowseStore",
    "CatalogStore",
    "Decide",
    "DecideStore",
    "Doorbell",
    "Entry",
    "FollowStore",
    "Head",
    "Held",
    "HoldStore",
    "Known",
    "LeadObserver",
    "LeadStore",
    "Limits",
    "LineFilter",
    "Lines",
    "MeasureStore",
    "Measures",
    "Moved",
    "Place",
    "RecoverStore",
    "Round",
    "Run",
    "RunState",
    "Runner",
    "Signals",
    "Standing",
    "Store",
    "Submission",
    "SubmitStore",
    "SubscriptionStore",
    "TallyStore",
    "TaskFilter",
    "Tracer",
    "UrlGuard",
    "WorkObserver",
    "WorkStore",
    "task_topic",
]


class Store(SubmitStore, LeadStore, DecideStore, WorkStore, RecoverStore, Protocol):
    """Everything the life of a task needs."""
