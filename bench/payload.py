"""What tasks are given and give back: a JSON object of a certain size."""

from __future__ import annotations

import json

WORDS = "order 4711 of customer 42: two pallets of ceramic mugs, to be shipped before the end of the month. "


def payload(size: int) -> dict[str, str]:
    """An object whose JSON has this many bytes (20 at least)."""
    room = size - len(json.dumps({"text": ""}, separators=(",", ":")))
    return {"text": (WORDS * (room // len(WORDS) + 1))[:room]}
