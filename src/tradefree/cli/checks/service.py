"""The task service and the API key, as the command line uses them."""

from __future__ import annotations

from tradefree.bootstrap import VERSION
from tradefree.cli.checks.check import Caution, Check, Fault, look, skipped
from tradefree.cli.client import Client
from tradefree.errors import Refused, TradefreeError
from tradefree.settings import Settings


async def check_service(url: str, api_key: str | None) -> list[Check]:
    """Service and key."""
    try:
        async with Client(url, api_key) as client:
            service = await look(
                "service", lambda: ready(client), "Start it (`tradefree up`) or set TRADEFREE_API_URL."
            )
            if service.status == "failed":
                return [service, *skipped(["API key"], "service")]
            advice = "Make one with `tradefree keys create` and set TRADEFREE_API_KEY."
            return [service, await look("API key", lambda: key_works(client, api_key), advice)]
    except TradefreeError as error:
        return [Check("service", "failed", str(error), "Mend the setting."), *skipped(["API key"], "service")]


def check_console(settings: Settings) -> list[Check]:
    """A warning if sessions of the console can be taken on the way; nothing else needs to be said of it."""
    if not settings.console_insecure_cookie:
        return []
    found = "TRADEFREE_CONSOLE_INSECURE_COOKIE is on: whoever listens on the way can take a person's session"
    return [Check("console", "warning", found, "Put a proxy with TLS in front and remove the setting.")]


async def ready(client: Client) -> str:
    """The service answers and has all it needs."""
    answer = await client.get("/readyz")
    said = f"{client.base} is {answer['status']}, version {answer['version']}"
    if answer["status"] != "ready":
        wrong = [f"{part}: {what}" for part, what in answer.get("parts", {}).items() if what != "ok"]
        raise Caution(f"{said} ({'; '.join(wrong)})", "It sees what this machine may not see: check that machine.")
    if answer["version"] != VERSION:
        raise Caution(f"{said}; this is {VERSION}", "Install one version everywhere, and start again.")
    return said


async def key_works(client: Client, api_key: str | None) -> str:
    """The key is good; one without the right to read is good, too."""
    if not api_key:
        raise Fault("none is set")
    try:
        await client.get("/tasks", {"limit": "1"})
    except Refused as error:
        if error.status != 403:
            raise
        return f"is good, but may not read tasks: {error}"
    return "works"
