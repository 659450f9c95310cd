"""Migrations on MariaDB and MySQL can be repeated after they broke off.

These servers commit each change of the schema by itself, so a migration that dies leaves the first part of itself
behind. The repeat passes over what is there (or gone) already. On SQLite a migration is one transaction.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.ddl.mysql import MySQLImpl


class RepeatableImpl(MySQLImpl):
    """Takes the place of Alembic's own, by the name of its dialect."""

    __dialect__ = "mysql"

    def create_table(self, table: sa.Table, **options: Any) -> None:
        if not self._now.has_table(table.name):
            super().create_table(table, **options)

    def drop_table(self, table: sa.Table, **options: Any) -> None:
        if self._now.has_table(table.name):
            super().drop_table(table, **options)

    def create_index(self, index: sa.Index, **options: Any) -> None:
        if not self._has_index(index):
            super().create_index(index, **options)

    def drop_index(self, index: sa.Index, **options: Any) -> None:
        if self._has_index(index):
            super().drop_index(index, **options)

    def add_column(self, table_name: str, column: sa.Column[Any], **options: Any) -> None:
        if not self._has_column(table_name, column):
            super().add_column(table_name, column, **options)

    def drop_column(self, table_name: str, column: sa.Column[Any], **options: Any) -> None:
        if self._has_column(table_name, column):
            super().drop_column(table_name, column, **options)

    @property
    def _now(self) -> sa.Inspector:
        assert self.connection is not None
        return sa.inspect(self.connection)

    def _has_index(self, index: sa.Index) -> bool:
        assert index.table is not None
        table = index.table.name
        return self._now.has_table(table) and any(found["name"] == index.name for found in self._now.get_indexes(table))

    def _has_column(self, table: str, column: sa.Column[Any]) -> bool:
        return any(found["name"] == column.name for found in self._now.get_columns(table))
