"""From what a person typed to the id of one task."""

from __future__ import annotations

import re

from tradefree.cli.client import Client
from tradefree.errors import InvalidInput, NotFound

_WHOLE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BEGINNING = re.compile(r"[0-9a-f-]{1,36}")
PAGE = 200
MOST_PAGES = 5
"""The text search finds keys, labels and errors, too; beyond a thousand of those the beginning is too short."""


async def resolve(client: Client, text: str) -> str:
    """The whole id. A whole one is taken as it is; a beginning must belong to one task only."""
    wanted = text.strip().lower()
    if _WHOLE.fullmatch(wanted):
        return wanted
    if not _BEGINNING.fullmatch(wanted):
        raise InvalidInput(f"{text!r} is not a task id or the beginning of one")
    found = await _beginning_with(client, wanted)
    if not found:
        raise NotFound(f"no task's id begins with {wanted}")
    if len(found) > 1:
        raise InvalidInput(f"{wanted} is ambiguous: {', '.join(found[:3])}{' …' if len(found) > 3 else ''}")
    return found[0]


async def _beginning_with(client: Client, wanted: str) -> list[str]:
    found: list[str] = []
    params = {"q": wanted, "limit": str(PAGE)}
    for _ in range(MOST_PAGES):
        page = await client.get("/tasks", params)
        found += [task["id"] for task in page["items"] if task["id"].startswith(wanted)]
        if len(found) > 1 or not page["next_cursor"]:
            return found
        params["cursor"] = page["next_cursor"]
    if found:
        return found
    raise InvalidInput(f"{wanted} is too short to find a task by; give more of the id")
