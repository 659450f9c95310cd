"""What an app says of itself."""

from __future__ import annotations

from typing import Any

from tradefree.dify.models import AppInfo, Parameters
from tradefree.dify.transport import Transport


class Facts(Transport):
    """Name, mode, input form, icons."""

    async def info(self) -> AppInfo:
        """Name and mode of the app. Needs no published workflow: a good test of address and key."""
        return AppInfo.of(await self._call("GET", "/info"))

    async def parameters(self) -> Parameters:
        """The published app's input form. Raises DifyRejected (``app_unavailable``) if nothing is published."""
        return Parameters.of(await self._call("GET", "/parameters"))

    async def meta(self) -> dict[str, Any]:
        """Icons of the app's tools, as Dify sends them."""
        return await self._call("GET", "/meta")
