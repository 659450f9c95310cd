"""Hooks over the wire: their secrets go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from tradefree.events.hooks.hook import TOLERANCE, Hook, HookEvent, HookSignature, Preset
from tradefree.events.hooks.ports import Received, Tally
from tradefree.service.models.fields import AS_DURATION, Request, Seconds


class HookRequest(Request):
    """A hook to store."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"preset": "github", "secrets": ["as GitHub knows it"]}]},
    )

    name: Annotated[StrictStr, Field(description="If given, the name in the path.")] | None = None
    description: StrictStr = ""
    preset: Preset
    secrets: (
        Annotated[
            list[StrictStr],
            Field(description="One, or two while the sender changes from one to the other. Left out: the stored ones."),
        ]
        | None
    ) = None
    signature: HookSignature | None = Field(None, description="Of `hmac`.")
    token_header: StrictStr = Field("authorization", description="Of `token`.")
    id_header: StrictStr | None = Field(None, description="Of `hmac` and `token`: tells messages apart.")
    tolerance: Annotated[Seconds, AS_DURATION] = Field(TOLERANCE, description="How old a signed time may be.")
    event: HookEvent = HookEvent()
    enabled: StrictBool = True


class Counted(BaseModel):
    """Messages that came to one end."""

    number: int
    last_at: datetime


class HookDocument(BaseModel):
    """A hook without its secrets."""

    name: str
    description: str
    preset: Preset
    secrets_set: int = Field(description="How many secrets are good for it.")
    signature: HookSignature | None
    token_header: str
    id_header: str | None
    tolerance: float = Field(description="Seconds.")
    event: HookEvent
    enabled: bool
    path: str = Field(description="Where its sender should send to.")
    received: dict[Received, Counted] = Field(description="What became of the messages that came.")

    @classmethod
    def of(cls, hook: Hook, tallies: dict[Received, Tally]) -> HookDocument:
        return cls(
            **hook.model_dump(exclude={"secrets", "event", "signature"}),
            signature=hook.signature,
            event=hook.event,
            secrets_set=len(hook.secrets),
            path=f"/hooks/{hook.name}",
            received={received: Counted(number=t.number, last_at=t.last_at) for received, t in tallies.items()},
        )


class HookList(BaseModel):
    """Every hook, by name."""

    items: list[HookDocument]


class HookAnswer(BaseModel):
    """What a sender is told."""

    event_id: str
    repeated: bool = Field(description="It had come before; nothing was made anew.")
