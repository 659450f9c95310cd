"""Conversations that tasks share, by a key.

Dify keeps them, not we: a conversation belongs to a ``user``, so the key is made into one, and the latest conversation
of that user is the one to go on with. Nothing is stored here that could be lost or grow old: a conversation that
somebody deletes in Dify is simply begun anew.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def user_of_conversation(task_type: str, key: Any) -> str:
    """Dify's ``user`` of a kept conversation, the same for all tasks of the type with this key.

    A digest, because keys may be long, and may be what Dify's logs should not show. 1 and "1" are different keys.
    """
    told = orjson.dumps([task_type, key], option=orjson.OPT_SORT_KEYS)
    return f"tf-conversation-{hashlib.sha256(told).hexdigest()[:40]}"
