"""The store: all of a database's stores as one object."""

from __future__ import annotations

import sqlalchemy as sa

from tradefree.access.secrets import SecretBox
from tradefree.clock import Clock
from tradefree.database.engine import Database
from tradefree.database.stores.admitting import AdmittingStore
from tradefree.database.stores.auditing import AuditingStore
from tradefree.database.stores.backing import BackingStore
from tradefree.database.stores.browsing import BrowsingStore
from tradefree.database.stores.deciding import DecidingStore
from tradefree.database.stores.defining import DefiningStore
from tradefree.database.stores.following import FollowingStore
from tradefree.database.stores.holding import HoldingStore
from tradefree.database.stores.hooking import HookingStore
from tradefree.database.stores.keeping import KeepingStore
from tradefree.database.stores.leading import LeadingStore
from tradefree.database.stores.limiting import LimitingStore
from tradefree.database.stores.measuring import MeasuringStore
from tradefree.database.stores.pruning import PruningStore
from tradefree.database.stores.recalling import RecallingStore
from tradefree.database.stores.recovering import RecoveringStore
from tradefree.database.stores.resealing import ResealingStore
from tradefree.database.stores.scheduling import SchedulingStore
from tradefree.database.stores.standing import StandingStore
from tradefree.database.stores.submitting import SubmittingStore
from tradefree.database.stores.subscribing import SubscribingStore
from tradefree.database.stores.taking import TakingStore
from tradefree.database.stores.tallying import TallyingStore
from tradefree.database.stores.triggering import TriggeringStore
from tradefree.database.stores.working import WorkingStore


class SqlStore(
    SubmittingStore,
    LeadingStore,
    DecidingStore,
    WorkingStore,
    RecoveringStore,
    BrowsingStore,
    FollowingStore,
    TallyingStore,
    HoldingStore,
    DefiningStore,
    LimitingStore,
    StandingStore,
    MeasuringStore,
    SubscribingStore,
    KeepingStore,
    AdmittingStore,
    AuditingStore,
    ResealingStore,
    TakingStore,
    RecallingStore,
    TriggeringStore,
    HookingStore,
    SchedulingStore,
    PruningStore,
    BackingStore,
):
    """Implements every storage port on SQLite, MariaDB or MySQL."""

    def __init__(self, url: sa.URL, clock: Clock, box: SecretBox) -> None:
        self._database = Database(url, clock)
        self._box = box

    @property
    def database(self) -> Database:
        return self._database

    async def close(self) -> None:
        """Give all connections back."""
        await self._database.close()
