"""A client of one Dify app's Service API (as of Dify 1.14.2; older servers work, less what they lack).

    async with DifyClient("https://dify.example.com", "app-…") as dify:
        async with aclosing(dify.run_workflow_stream({"query": "hi"}, user="u-1")) as events:
            async for event in events:
                ...

Nothing is ever sent twice: Dify has no idempotency keys, and a POST that may have arrived may be running.
"""

from __future__ import annotations

from tradefree.dify.facts import Facts
from tradefree.dify.files import Files
from tradefree.dify.human import HumanInput
from tradefree.dify.messages import Messages
from tradefree.dify.workflows import Workflows


class DifyClient(Workflows, HumanInput, Messages, Files, Facts):
    """Talks to one app: one base URL, one app key. Connections are made when first needed; ``close`` ends them.

    ``base_url`` with or without ``/v1`` (see ``api_root``). A ``session`` that is handed in is used for everything
    but stops and is not closed; without one the client has its own, without a limit on connections.

    Every method raises a ``DifyError``: ``DifyBusy`` if nothing was sent or there is no room, ``DifyRejected`` if
    Dify refuses, ``DifyUnavailable`` if it fails, ``DifyUncertain`` if a run may be under way all the same.
    """
