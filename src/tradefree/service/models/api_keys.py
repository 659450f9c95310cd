"""API keys over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.service.models.fields import AS_DURATION, Request, Seconds, Yes
from tradefree.tasks.types import NAME_PATTERN

TEN_YEARS = 10 * 366 * 86400.0


class KeyRequest(Request):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "shop", "scopes": ["tasks:write", "tasks:read"], "own_only": True}]},
    )

    name: Annotated[StrictStr, Field(min_length=1, max_length=255)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    task_types: (
        Annotated[
            list[Annotated[StrictStr, Field(pattern=NAME_PATTERN)]],
            Field(min_length=1, max_length=100, description="The only task types it may touch; left out: all."),
        ]
        | None
    ) = None
    own_only: Yes = Field(False, description="It sees only tasks that it submitted itself.")
    expires_in: Annotated[Seconds, Field(gt=0, le=TEN_YEARS), AS_DURATION] | None = Field(
        None, description="Left out: it never expires."
    )


class KeyDocument(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    hint: str = Field(description="The key's first characters, to recognise it by.")
    scopes: list[Scope]
    task_types: list[str] | None
    own_only: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyDocument:
        return cls(
            id=key.id,
            name=key.name,
            hint=key.hint,
            scopes=sorted(key.scopes),
            task_types=None if key.task_types is None else list(key.task_types),
            own_only=key.own_only,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
        )


class NewKey(KeyDocument):
    """A fresh key: the only answer that ever shows the secret."""

    key: str


class KeyList(BaseModel):
    """All keys, revoked ones too, oldest first."""

    items: list[KeyDocument]
