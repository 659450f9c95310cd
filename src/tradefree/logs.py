"""The process's own log: structured, JSON or coloured, secrets kept out."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from typing import Any

import structlog

from tradefree.errors import SettingsError
from tradefree.settings import Settings

_SECRETS = re.compile(r"(tfk_|app-)[A-Za-z0-9_-]{8,}|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")


def hide_secrets(_: Any, __: str, line: Any) -> str:
    """The last processor: API keys, Dify keys and passwords in URLs never reach the log, wherever they come from."""
    return _SECRETS.sub(lambda found: f"{found.group(1) or ''}***", line)


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's log to stderr and, if set, to the log file."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    handlers: list[logging.Handler] = [_handler(logging.StreamHandler(), shared, json=not console)]
    if settings.log_file is not None:
        handlers.append(_handler(_rotating(settings), shared, json=True))
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(settings.log_level.upper())
    for noisy in ("alembic", "asyncio", "aiosqlite", "kombu", "amqp", "celery", "sqlalchemy", "uvicorn"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)  # it warns of the in-memory broker having no host
    logging.getLogger("celery.worker.consumer.consumer").setLevel(logging.ERROR)  # the worker tells of a broker away
    for library in ("uvicorn", "uvicorn.error"):
        logging.getLogger(library).handlers = []
        logging.getLogger(library).propagate = True


def _rotating(settings: Settings) -> logging.Handler:
    assert settings.log_file is not None
    file = settings.log_file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(file, maxBytes=10_000_000, backupCount=5, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"TRADEFREE_LOG_FILE: cannot write {file}: {error.strerror}") from None


def _handler(handler: logging.Handler, shared: list[Any], *, json: bool) -> logging.Handler:
    render: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render, hide_secrets],
        )
    )
    return handler
