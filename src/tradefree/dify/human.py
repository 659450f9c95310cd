"""Forms for people (human input, Dify 1.14.0 or newer)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradefree.dify.transport import Transport, segment

SUBMITTED, EXPIRED = "human_input_form_submitted", "human_input_form_expired"
"""Codes of the DifyRejected (412) that says somebody was first, and that it is too late."""


class HumanInput(Transport):
    """What a client can ask of a form that a paused run waits for. Whoever has a form's token may answer it."""

    async def human_form(self, token: str) -> dict[str, Any]:
        """``form_content`` with its variables filled in, ``inputs``, ``user_actions``, ``expiration_time``."""
        return await self._call("GET", f"/form/human_input/{segment(token)}")

    async def submit_human_form(self, token: str, action: str, inputs: Mapping[str, Any], user: str) -> None:
        """Answer a form; the run then goes on in a worker of Dify.

        Raises DifyRejected with code ``SUBMITTED``, ``EXPIRED`` or ``invalid_form_data``, DifyNotFound.
        """
        body = {"action": action, "inputs": dict(inputs), "user": user}
        await self._call("POST", f"/form/human_input/{segment(token)}", body=body)
