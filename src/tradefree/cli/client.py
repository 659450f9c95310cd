"""The command line's way to the task service: the SDK's transport, which asks questions once. A person sees at once
that the service is away, and asks again."""

from __future__ import annotations

from tradefree.client.transport import Transport


class Client(Transport):
    """A task service at a base URL, spoken to with an API key."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        super().__init__(url, api_key, reads=1, user_agent="tradefree-cli")
