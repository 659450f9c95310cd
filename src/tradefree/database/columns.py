"""Column types that mean the same on SQLite, MariaDB and MySQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import mysql


def ascii_text(length: int) -> sa.types.TypeEngine[str]:
    """Short machine text (ids, names, states): compared byte by byte everywhere."""
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql", "mariadb"
    )


def text(length: int) -> sa.types.TypeEngine[str]:
    """Short text of people, kept for display; it is never matched by collation."""
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
    )


def long_text() -> sa.types.TypeEngine[str]:
    """Text of any length (4 GB on MySQL)."""
    return sa.Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC with microseconds: aware in Python, naive UTC in the database."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class JsonText(sa.types.TypeDecorator[Any]):
    """JSON kept as text, so that what was stored comes back as it was (MySQL's JSON type reorders and rounds)."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(long_text().dialect_impl(dialect))

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else dump_json(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class Money(sa.types.TypeDecorator[Decimal]):
    """An exact decimal, kept as text: SQLite has no decimals and a price may have many digits."""

    impl = sa.String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Flag(sa.types.TypeDecorator[bool]):
    """True or nothing (1 or NULL), so that an index on it is as small as the number of true rows allows."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: sa.Dialect) -> int | None:
        return 1 if value else None

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> bool:
        return value is not None


def dump_json(value: Any) -> str:
    """JSON text; raises TypeError for what JSON cannot carry (NaN becomes null, as orjson does)."""
    return orjson.dumps(value).decode()
