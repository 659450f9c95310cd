"""The hook as people define it: who sends, how they sign, and which events their messages become."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tradefree.errors import BadValue
from tradefree.events.hooks.presets import PRESETS
from tradefree.expressions import Expression
from tradefree.tasks.durations import Duration
from tradefree.tasks.types import Name

TOLERANCE = 300.0
"""Seconds that a signed time may be away from ours."""
KNOWN = ("body", "headers")
"""Names that an expression of a mapping may use."""
HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
LONGEST = 255
"""Characters of an attribute that is fixed."""
SHORTEST, LONGEST_SECRET = 8, 500
"""Characters of a secret."""
STANDARD = range(16, 97)
"""Bytes of a Standard Webhooks secret; its own text asks for 24 to 64."""

Preset = Literal["standard-webhooks", "github", "stripe", "shopify", "hmac", "token"]
HeaderName = Annotated[str, Field(pattern=HEADER), AfterValidator(str.lower)]


@lru_cache(maxsize=1000)
def expression(text: str) -> Expression:
    """The compiled expression. Raises ValueError with a sentence."""
    return Expression(text, KNOWN)


class Computed(BaseModel):
    """A value that is worked out from each message."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cel: Annotated[str, AfterValidator(lambda text: expression(text).text)] = Field(
        description="CEL over `body` (the JSON) and `headers` (names in lower case)."
    )


def _fixed_or_computed(value: Any) -> Any:
    """Decided here, so that one error is told where pydantic would tell one for each kind."""
    if isinstance(value, str) and not 0 < len(value) <= LONGEST:
        raise BadValue(f"should have 1 to {LONGEST} characters", "length", least=1, most=LONGEST)
    if isinstance(value, dict):
        try:
            return Computed.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from None
    if isinstance(value, str | Computed) or value is None:
        return value
    raise ValueError('should be text, or {"cel": "…"}')


Value = Annotated[Computed | str, BeforeValidator(_fixed_or_computed)]


class HookEvent(BaseModel):
    """What the event is made of: text stands for itself, ``{cel: …}`` is worked out; left out: as the preset says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Value | None = None
    source: Value | None = None
    id: Computed | None = Field(None, description="What a repeated message has in common with the first.")
    subject: Value | None = None
    time: Computed | None = Field(None, description="ISO 8601 text with an offset, or seconds since 1970.")
    data: Computed | None = Field(None, description="Left out: the whole body.")


class HookSignature(BaseModel):
    """How a sender signs that is none of the presets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: HeaderName
    prefix: str = Field("", max_length=100, description="What stands in front, such as `sha256=` or `v0=`.")
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    time_header: HeaderName | None = Field(None, description="Of a signed time, in seconds since 1970.")
    content: str = Field(
        "{body}", max_length=100, description="What is signed: `{time}.{body}`, `v0:{time}:{body}`; left out: the body."
    )

    @model_validator(mode="after")
    def _signs_the_body(self) -> Self:
        if set(re.findall(r"\{[^{}]*\}", self.content)) - {"{body}", "{time}"} or self.content.count("{body}") != 1:
            raise ValueError("content should have {body} once, {time} if wanted, and nothing else in braces")
        if ("{time}" in self.content) != (self.time_header is not None):
            raise ValueError(
                "content should have {time} if, and only if, there is a time_header: else it proves nothing"
            )
        return self


def _check_secrets(secrets: tuple[str, ...]) -> tuple[str, ...]:
    for secret in secrets:
        if not SHORTEST <= len(secret) <= LONGEST_SECRET:
            raise BadValue(
                f"a secret should have {SHORTEST} to {LONGEST_SECRET} characters",
                "length",
                least=SHORTEST,
                most=LONGEST_SECRET,
            )
        if secret != secret.strip() or not secret.isprintable():
            raise BadValue(
                "a secret has white space at an end, or a line end; was it copied with too much?", "white_space"
            )
    return secrets


class Hook(BaseModel):
    """One door for a foreign system: ``/hooks/NAME``. Its secrets never leave the process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = Field("", max_length=1000)
    preset: Preset
    secrets: Annotated[tuple[str, ...], AfterValidator(_check_secrets)] = Field(
        min_length=1, max_length=2, repr=False, description="One; two while the sender changes from one to the other."
    )
    signature: HookSignature | None = Field(None, description="Of `hmac`.")
    token_header: HeaderName = Field("authorization", description="Of `token`; `Bearer ` in front is left out.")
    id_header: HeaderName | None = Field(None, description="Of `hmac` and `token`: tells one message from another.")
    tolerance: Duration = Field(
        TOLERANCE, ge=1, le=86400, description="How old a signed time may be, where there is one."
    )
    event: HookEvent = HookEvent()
    enabled: bool = True

    @model_validator(mode="after")
    def _fits_its_preset(self) -> Self:
        if (self.preset == "hmac") != (self.signature is not None):
            raise ValueError("signature is needed with the preset hmac, and only there")
        if self.id_header is not None and self.preset not in ("hmac", "token"):
            raise ValueError(f"id_header belongs to hmac and token; {self.preset} has its own")
        if self.event.type is None and PRESETS[self.preset].type is None:
            raise ValueError(f"event/type is needed with the preset {self.preset}")
        if self.preset == "standard-webhooks":
            for secret in self.secrets:
                standard_key(secret)
        return self


def standard_key(secret: str) -> bytes:
    """The key in a Standard Webhooks secret: base64, mostly with ``whsec_`` in front. Raises ValueError."""
    try:
        key = b64decode(secret.removeprefix("whsec_") + "==", validate=True)
    except binascii.Error:
        key = b""
    if len(key) not in STANDARD:
        raise ValueError("secrets of standard-webhooks are base64, such as whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    return key
