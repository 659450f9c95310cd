"""Suggest: what somebody who types a filter may mean, from what the newest tasks are known by."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from tradefree.tasks.ports import BrowseStore, Known, TaskFilter

NEWEST = 2000
"""Tasks looked at: some milliseconds, however many there are."""
MOST = 20
"""Suggestions made."""


class Suggested(StrEnum):
    """What of a task is suggested."""

    TYPE = "type"
    CONCURRENCY_KEY = "concurrency_key"
    LABEL = "label"


async def suggest(store: BrowseStore, field: Suggested, prefix: str, wanted: TaskFilter) -> list[str]:
    """What begins so, whatever the case, the newest first. Labels are names with a colon, ``shop:``, until the prefix
    has one; then names with values."""
    begins = prefix.casefold()
    known = await store.known(wanted, newest=NEWEST)
    fitting = (text for one in known for text in _texts(one, field, whole=":" in prefix))
    return list(dict.fromkeys(text for text in fitting if text.casefold().startswith(begins)))[:MOST]


def _texts(known: Known, field: Suggested, *, whole: bool) -> Iterable[str]:
    match field:
        case Suggested.TYPE:
            return [known.type]
        case Suggested.CONCURRENCY_KEY:
            return [] if known.concurrency_key is None else [known.concurrency_key]
        case Suggested.LABEL:
            return [f"{name}:{value}" if whole else f"{name}:" for name, value in known.labels.items()]
