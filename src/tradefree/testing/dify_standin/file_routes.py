"""Uploads. Dify 1.14.2 takes any kind of file here, and looks at the kind only when a run uses it."""

from __future__ import annotations

import mimetypes
import uuid
from pathlib import PurePosixPath

from aiohttp import web

from tradefree.testing.dify_standin.envelope import app_of
from tradefree.testing.dify_standin.replies import DifyError, answer
from tradefree.testing.dify_standin.run import now

_MEGABYTE = 1024 * 1024
_LIMITS = {"image": 10, "audio": 50, "video": 100}
_DOCUMENT = 15
"""Megabytes; anything that is no image, sound or film."""


async def upload(request: web.Request) -> web.Response:
    """POST /files/upload: 201."""
    app = app_of(request)
    if not request.content_type.startswith("multipart/"):
        raise DifyError(400, "no_file_uploaded", "Please upload your file.")
    form = await request.post()
    file = form.get("file")
    if not isinstance(file, web.FileField):
        raise DifyError(400, "no_file_uploaded", "Please upload your file.")
    content = file.file.read()
    kind = mimetypes.guess_type(file.filename)[0] or file.content_type
    if len(content) > _LIMITS.get(kind.partition("/")[0], _DOCUMENT) * _MEGABYTE:
        raise DifyError(413, "file_too_large", "")
    file_id = str(uuid.uuid4())
    return answer(
        {
            "id": file_id,
            "name": file.filename,
            "size": len(content),
            "extension": PurePosixPath(file.filename).suffix.lstrip("."),
            "mime_type": file.content_type,
            "created_by": app.end_user_id(str(form.get("user") or "anonymous")),
            "created_at": now(),
            "preview_url": None,
            "source_url": f"http://{request.host}/files/{file_id}/file-preview",
            "original_url": None,
            "user_id": None,
            "tenant_id": app.end_user_id("tenant"),
            "conversation_id": None,
            "file_key": None,
        },
        status=201,
    )
