"""Files that runs take as inputs: uploaded first, or fetched by Dify from an address."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tradefree.dify.errors import DifyRejected
from tradefree.dify.models import text_of, whole_of
from tradefree.dify.transport import Transport

LARGEST = 100 * 1024 * 1024
"""Bytes; what Docker's nginx before Dify takes."""

DOCUMENTS = frozenset(
    {"txt", "md", "mdx", "markdown", "pdf", "html", "htm", "xml", "epub", "xlsx", "xls", "csv"}
    | {"doc", "docx", "odt", "eml", "msg", "ppt", "pptx", "json", "yaml", "yml", "log", "rtf", "vtt", "properties"}
)
"""Extensions that Dify 1.14.2 takes for a document; others that are no image, sound or film are ``custom``."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file at Dify. Only runs of the ``user`` who uploaded it can use it."""

    id: str
    name: str
    size: int | None = None
    mime_type: str | None = None
    extension: str | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> UploadedFile:
        """From the answer to an upload."""
        return cls(
            id=text_of(fields.get("id")) or "",
            name=text_of(fields.get("name")) or "",
            size=whole_of(fields.get("size")),
            mime_type=text_of(fields.get("mime_type")),
            extension=text_of(fields.get("extension")),
        )

    def as_input(self, kind: str | None = None) -> dict[str, str]:
        """What a file variable of the app takes (a list of these for several files). ``kind`` as in ``kind_of``."""
        kind = kind or kind_of(self.name, self.mime_type)
        return {"type": kind, "transfer_method": "local_file", "upload_file_id": self.id}


def remote_file(url: str, kind: str | None = None) -> dict[str, str]:
    """What a file variable takes for a file that Dify itself shall fetch."""
    return {"type": kind or kind_of(url.partition("?")[0]), "transfer_method": "remote_url", "url": url}


def kind_of(name: str, mime_type: str | None = None) -> str:
    """Dify's kind of a file: image, audio, video, document or custom."""
    family = (mime_type or mimetypes.guess_type(name)[0] or "").partition("/")[0]
    if family in ("image", "audio", "video"):
        return family
    return "document" if name.rpartition(".")[2].lower() in DOCUMENTS else "custom"


class Files(Transport):
    """Uploads. Dify 1.14.2 takes any kind of file here and looks at the kind only when a run uses it.

    Raises DifyRejected (``file_too_large``) for what is too large: 15 MB for a document, 10 for an image, 50 for audio
    and 100 for video, unless the server is set otherwise.
    """

    async def upload(self, name: str, content: bytes, user: str, *, mime_type: str | None = None) -> UploadedFile:
        """Upload bytes under a name. ``user`` must be the one who starts the run."""
        form = aiohttp.FormData()
        form.add_field("user", user)
        kind = mime_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        form.add_field("file", content, filename=name, content_type=kind)
        return UploadedFile.of(await self._call("POST", "/files/upload", body=form))

    async def upload_path(self, path: Path | str, user: str, *, mime_type: str | None = None) -> UploadedFile:
        """Upload a file of this machine. OSError if it cannot be read."""
        path = Path(path)
        return await self.upload(path.name, await asyncio.to_thread(path.read_bytes), user, mime_type=mime_type)

    async def upload_url(self, url: str, user: str, *, name: str | None = None, largest: int = LARGEST) -> UploadedFile:
        """Fetch a file here and upload it. For addresses that Dify cannot reach; else ``remote_file`` is cheaper.

        Whoever chooses the address chooses what this process asks in your network: do not let strangers choose it.
        Raises DifyRejected (``file_unreachable``, ``file_too_large``) if it cannot be had or is over ``largest`` bytes.
        """
        try:
            async with asyncio.timeout(self.timeouts.answer), self._session(control=False).get(url) as response:
                response.raise_for_status()
                content = await _at_most(response, largest)
                kind = response.content_type if "Content-Type" in response.headers else None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DifyRejected(
                f"The file at {_public(url)} cannot be had: {type(error).__name__}", code="file_unreachable"
            ) from None  # the cause may show the whole address
        return await self.upload(
            name or PurePosixPath(urlsplit(url).path).name or "file", content, user, mime_type=kind
        )


async def _at_most(response: aiohttp.ClientResponse, largest: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > largest:
            raise DifyRejected(f"The file is larger than {largest} bytes.", code="file_too_large")
    return bytes(content)


def _public(url: str) -> str:
    """The address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
