"""Settings: the only reader of the environment. A test compares docs/configuration.md with this class."""

from __future__ import annotations

import os
import re
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradefree.access.quotas import quota_rate
from tradefree.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

TOKEN_AT_LEAST = 16
DRIVERS = ("sqlite+aiosqlite", "mysql+asyncmy")


HIDDEN = "***"
"""Instead of a secret."""
_PASSWORD = re.compile(r"(//[^:/?#@;,\s]*):[^/?#\s]*?@(?=[^@/?#]*(?:[/?#;,]|$))")
_QUERY = re.compile(r"([?&][^=&]*(?:password|passwd|secret|token|key)[^=&]*=)[^&#]*", re.IGNORECASE)
_ALLOWED = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _shown(value: object) -> str | int | float | bool | None:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, int | float | None):
        return value
    masked = _PASSWORD.sub(rf"\1:{HIDDEN}@", str(value))
    return _QUERY.sub(rf"\1{HIDDEN}", masked)


class Settings(BaseSettings):
    """Read from the environment (``TRADEFREE_…``) and from ``.env``; the environment wins."""

    model_config = SettingsConfigDict(env_prefix="TRADEFREE_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "sqlite+aiosqlite:///tradefree.db",
        description="Where tasks live. Production: `mysql+asyncmy://USER:PASSWORD@HOST/tradefree_ai?charset=utf8mb4`.",
    )
    broker_url: str = Field(
        "memory://", description="Celery's broker. `memory://` works inside one process only; production: `redis://…`."
    )
    broker_prefix: str = Field(
        "tradefree:",
        max_length=100,
        description="In front of every key and channel in Redis, so that several systems may share one.",
    )
    broker_master: str = Field("mymaster", description="Name of the master that Sentinel is asked for (`sentinel://`).")
    broker_sentinel_password: SecretStr | None = Field(
        None, description="What the Sentinels themselves ask for, if they do; the URL's password is for Redis."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Fernet keys, comma-separated, that encrypt connection secrets; the first encrypts, all decrypt. "
        "With SQLite a key is made and kept beside the database file.",
    )
    host: str = Field("127.0.0.1", description="Address the task service listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the task service listens on; 0 picks a free one.")
    api_url: str = Field("http://127.0.0.1:8080", description="Where the command line finds the task service.")
    api_key: SecretStr | None = Field(None, description="The key the command line uses.")
    concurrency: int = Field(200, ge=1, le=20_000, description="Tasks one worker process performs at once.")
    queues: str = Field("default", description="Queues a worker serves, comma-separated.")
    processes: str = Field(
        "1",
        description="Processes that `tradefree worker` runs: a number, or `auto` for as many as waiting tasks need.",
    )
    processes_min: int = Field(1, ge=1, le=1000, description="Worker processes at the least, with `auto`.")
    processes_max: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Worker processes at the most, with `auto`; left out: as many as there are cores.",
    )
    scale_wait: float = Field(
        5.0,
        gt=0,
        le=86_400,
        description="Seconds that tasks may be about to wait for want of workers before `auto` starts processes.",
    )
    scale_calm: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="Seconds that fewer processes must have been enough before `auto` drains one.",
    )
    drain_timeout: float = Field(
        25.0,
        ge=0,
        le=3600,
        description="Seconds a stopping worker lets running tasks finish before it hands them back.",
    )
    stop_delay: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Seconds a service that was told to stop still answers, while `/readyz` says 503, so that "
        "load balancers take it out first.",
    )
    key_rate: str = Field(
        "",
        description="Requests that each API key may make of one service: `100/s`, `3000/m`; so many may come at once. "
        "More are answered 429. Left out: any number.",
    )
    console_insecure_cookie: bool = Field(
        False,
        description="Whether people may sign in to the console by plain http from other machines. Whoever listens on "
        "the way can then take their session.",
    )
    max_body_bytes: int = Field(10_000_000, ge=1_000, description="Largest request body, in bytes.")
    max_output_bytes: int = Field(
        4_000_000,
        ge=1_000,
        description="Largest result that is stored whole, in bytes of JSON; a larger one is clipped.",
    )
    public_url: str | None = Field(
        None,
        description="Where receivers of callbacks find this service, `https://tasks.example.com`: the source of what "
        "they are told, and where its links lead. Left out: links are paths.",
    )
    callback_allow: str = Field(
        "",
        description="Hosts (`hooks.corp.example`, `.corp.example` with all below it), addresses and networks "
        "(`10.1.0.0/16`), comma-separated, that callbacks may go to although they are not public.",
    )
    keep_events_days: float = Field(
        90.0,
        ge=0,
        le=36_600,
        description="Days that events are kept, with what rules decided about them and the runs of schedules; "
        "0: for ever. A duplicate is recognised as long.",
    )
    keep_deliveries_days: float = Field(
        30.0, ge=0, le=36_600, description="Days that ended deliveries of callbacks are kept; 0: for ever."
    )
    backup_folder: Path | None = Field(
        None, description="Where backups lie whose file is not named, and those made by schedule."
    )
    backup_every_hours: float = Field(
        0.0, ge=0, le=9_000, description="Hours between backups that the leading service makes; 0: it makes none."
    )
    backup_keep: int = Field(7, ge=1, le=10_000, description="Scheduled backups that are kept; older ones are removed.")
    backup_verify: bool = Field(
        True, description="Whether each scheduled backup is restored into a scratch SQLite file and checked."
    )
    backup_passphrase: SecretStr | None = Field(
        None, min_length=8, description="Encrypts backups, and opens encrypted ones. Whoever loses it loses them."
    )
    keep_completed_days: float = Field(
        0.0, ge=0, le=36_600, description="Days that completed tasks are kept after their end; 0: for ever."
    )
    keep_failed_days: float = Field(0.0, ge=0, le=36_600, description="The same for failed tasks.")
    keep_cancelled_days: float = Field(0.0, ge=0, le=36_600, description="The same for cancelled tasks.")
    keep_audit_days: float = Field(
        0.0, ge=0, le=36_600, description="Days that lines of the audit trail are kept; 0: for ever."
    )
    archive_folder: Path | None = Field(
        None, description="Where tasks are put aside, as compressed JSON lines, before they are deleted for their age."
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="What `Authorization: Bearer` must carry for `/metrics`. Left out: it is open on the worker's "
        "address and where the service listens on the loopback, closed where others reach the service.",
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port on which `tradefree worker` serves `/metrics`; if taken, the first free one of the hundred "
        "from it on, so that several workers fit on one machine. Left out: none.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address on which workers serve `/metrics`.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line logged.")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="`auto`: coloured on a terminal, JSON elsewhere."
    )
    log_file: Path | None = Field(None, description="Also log to this file as JSON, rotated at 10 MB, five kept.")

    @field_validator("database_url")
    @classmethod
    def _known_driver(cls, value: str) -> str:
        if value.partition("://")[0] not in DRIVERS:
            raise ValueError(f"must begin with {' or '.join(f'{d}://' for d in DRIVERS)}")
        return value

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if not value.startswith(("memory://", "redis://", "rediss://", "sentinel://")):
            raise ValueError("must begin with memory://, redis://, rediss:// or sentinel://")
        return value

    @field_validator("key_rate")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        if value:
            quota_rate(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError("must be an address such as https://tasks.example.com")
        return value.rstrip("/") if value is not None else None

    @field_validator("callback_allow")
    @classmethod
    def _hosts_and_networks(cls, value: str) -> str:
        for entry in filter(None, map(str.strip, value.split(","))):
            if not _ALLOWED.fullmatch(entry.lower()) and not _is_network(entry):
                raise ValueError(f"{entry!r} is neither a host nor a network")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < TOKEN_AT_LEAST:
            raise ValueError(f"must have {TOKEN_AT_LEAST} characters or more")
        return value

    @field_validator("queues")
    @classmethod
    def _queue_names(cls, value: str) -> str:
        if not all(name.strip() for name in value.split(",")):
            raise ValueError("must be queue names separated by commas")
        return value

    @field_validator("processes")
    @classmethod
    def _number_or_auto(cls, value: str) -> str:
        if value != "auto" and not (re.fullmatch(r"[1-9]\d{0,2}", value) or value == "1000"):
            raise ValueError("must be a number from 1 to 1000, or auto")
        return value

    @field_validator("processes_max")
    @classmethod
    def _not_below_the_least(cls, value: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get("processes_min", 1)
        if value is not None and value < least:
            raise ValueError(f"must not be below TRADEFREE_PROCESSES_MIN, which is {least}")
        return value

    def shown(self) -> dict[str, str | int | float | bool | None]:
        """Every setting by its name in the environment, as it may be shown: of secrets only whether they are set."""
        return {f"TRADEFREE_{name.upper()}": _shown(getattr(self, name)) for name in type(self).model_fields}

    @property
    def callback_hosts(self) -> tuple[str, ...]:
        return tuple(filter(None, map(str.strip, self.callback_allow.split(","))))

    @cached_property
    def database(self) -> URL:
        """The database URL, parsed; SettingsError if it is none."""
        from sqlalchemy.engine import make_url  # heavy, and most commands only talk HTTP
        from sqlalchemy.exc import ArgumentError

        try:
            return make_url(self.database_url)
        except (ArgumentError, ValueError):
            raise SettingsError("TRADEFREE_DATABASE_URL: is not a database URL") from None

    @property
    def queue_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.queues.split(","))

    @property
    def embedded(self) -> bool:
        """True if everything must live in one process."""
        return self.broker_url.startswith("memory://")


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; SettingsError names the setting that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRADEFREE_" + "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise SettingsError(f"{name}: {reason}") from None


def traces_wanted() -> bool:
    """True if OpenTelemetry's own variables name an endpoint for traces, and do not switch them off."""
    given = os.environ.get
    if given("OTEL_SDK_DISABLED", "").lower() == "true" or given("OTEL_TRACES_EXPORTER") == "none":
        return False
    return bool(given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or given("OTEL_EXPORTER_OTLP_ENDPOINT"))
