"""Files in a task's input: uploaded before the run, by the run's own ``user``; or fetched by Dify itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from tradefree.dify.client import DifyClient
from tradefree.dify.files import remote_file
from tradefree.errors import Failed

_UPLOADED = frozenset({"file_name", "content_base64", "mime_type", "type"})
_FETCHED = frozenset({"file_url", "type"})


async def attached(client: DifyClient, inputs: Mapping[str, Any], user: str) -> dict[str, Any]:
    """The inputs with files as Dify wants them; all else as it is.

    ``{"file_name": "a.pdf", "content_base64": "…"}`` is uploaded, ``{"file_url": "https://…"}`` is for Dify to fetch.
    Both may say their ``type`` (image, document, audio, video, custom). Lists of them are for variables with several
    files. Raises Failed (``bad_input``) for content that is no base64, and what an upload raises.
    """
    return {name: await _value(client, name, value, user) for name, value in inputs.items()}


async def _value(client: DifyClient, name: str, value: Any, user: str) -> Any:
    if isinstance(value, list):
        return [await _value(client, f"{name}.{index}", item, user) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "content_base64" in value and _UPLOADED.issuperset(value):
        return await _uploaded(client, name, value, user)
    if "file_url" in value and _FETCHED.issuperset(value):
        return remote_file(str(value["file_url"]), value.get("type"))
    return value


async def _uploaded(client: DifyClient, name: str, value: Mapping[str, Any], user: str) -> dict[str, str]:
    try:
        content = base64.b64decode(str(value["content_base64"]), validate=True)
    except (binascii.Error, ValueError):
        message = f"`{name}.content_base64` is not base64. Send the file's bytes in standard base64, without line ends."
        raise Failed(message, code="bad_input", retryable=False) from None
    file = await client.upload(str(value.get("file_name") or "file"), content, user, mime_type=value.get("mime_type"))
    return file.as_input(value.get("type"))
