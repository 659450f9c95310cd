"""Sessions of the console over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tradefree.access.scopes import Scope
from tradefree.access.sessions import Role
from tradefree.access.sessions import Session as Started
from tradefree.service.models.fields import Request

EXAMPLE = "tfk_0000000000000000000000000000000000000000000A1b2C3"


class SignIn(Request):
    """Who wants in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"api_key": EXAMPLE}]})

    api_key: Annotated[SecretStr, Field(min_length=1, max_length=200, description="An API key, `tfk_…`.")]


class Session(BaseModel):
    """Somebody at a browser, with the rights of an API key."""

    key_id: str
    name: str = Field(description="The key's name.")
    role: Role = Field(description="What the scopes amount to; what counts is `scopes`.")
    scopes: list[Scope] = Field(description="Every right, also those that come with `admin`.")
    payloads: bool = Field(description="May see input and output data.")
    task_types: list[str] | None = Field(description="The only task types it may touch; null: all.")
    own_only: bool = Field(description="It sees only tasks that the key submitted.")
    csrf_token: str = Field(description="Send it as `X-CSRF-Token` with requests that change something.")
    expires_at: datetime = Field(description="When the session ends unless it is used.")
    version: str = Field(description="Of the service: another one than the page's means that it should be loaded anew.")

    @classmethod
    def of(cls, session: Started, csrf_token: str, version: str) -> Session:
        key = session.key
        return cls(
            key_id=key.id,
            name=key.name,
            role=Role.of(key),
            scopes=[scope for scope in Scope if key.allows(scope)],
            payloads=key.allows(Scope.PAYLOADS_READ),
            task_types=None if key.task_types is None else list(key.task_types),
            own_only=key.own_only,
            csrf_token=csrf_token,
            expires_at=session.ends_at,
            version=version,
        )
