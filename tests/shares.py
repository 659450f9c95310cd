"""How a parallel run is shared out."""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling

LONG = ("acceptance", "demos", "faults", "plans", "stores")
"""Folders whose tests are shared out one by one. Elsewhere a file is: its tests are short, or share what takes long to
start, and to find out who does the next of nine thousand takes longer than many of them."""


class Shares(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    """Each group, each file of short tests and each other test is for one process."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        file = nodeid.partition("::")[0]
        return file if scope == nodeid and file.split("/")[1] not in LONG else scope
