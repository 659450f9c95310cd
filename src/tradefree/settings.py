"""Settings: the only reader of the environment. A test compares docs/configuration.md with this class."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradefree.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DRIVERS = ("sqlite+aiosqlite", "mysql+asyncmy")


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
    drain_timeout: float = Field(
        25.0,
        ge=0,
        le=3600,
        description="Seconds a stopping worker lets running tasks finish before it hands them back.",
    )
    max_body_bytes: int = Field(10_000_000, ge=1_000, description="Largest request body, in bytes.")
    max_output_bytes: int = Field(4_000_000, ge=1_000, description="Largest result of a task, in bytes of JSON.")
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

    @field_validator("queues")
    @classmethod
    def _queue_names(cls, value: str) -> str:
        if not all(name.strip() for name in value.split(",")):
            raise ValueError("must be queue names separated by commas")
        return value

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
