"""What the errors of MariaDB and MySQL mean, in the numbers of the server and of asyncmy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from asyncmy.converters import escape_string
from sqlalchemy.exc import DBAPIError

REPEATABLE = (1213, 1205, 1020)
"""Deadlock, lock wait time-out, record changed since last read."""
NO_TABLE = 1146
AWAY = (1040, 1042, 1043, 1053, 1077, 1078, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1290, 1836, 1927,
        2000, 2002, 2003, 2006, 2012, 2013, 2014, 2055, 3159, 4031)  # fmt: skip
"""Too many connections, shutdown, read-only, gone away, lost: try again later."""
TOO_LONG = (1969, 3024)
"""A search was ended (MariaDB, MySQL)."""
NO_SERVER = 2003
NO_LOGIN = (1045, 1698)
NO_DATABASE = 1049
NO_RIGHT_TO_DATABASE = 1044
NO_RIGHT = (1142, 1143, 1227, 1370)
"""To a table, a column, an operation, a routine."""
_NOT_LET_IN = (1130, 1862, 3118, 4151)
"""Host not allowed, password expired, account locked (MySQL, MariaDB)."""
REFUSED = (*NO_LOGIN, NO_DATABASE, NO_RIGHT_TO_DATABASE, *NO_RIGHT, *_NOT_LET_IN)
PACKET_TOO_LARGE = 1153
_CUT_OFF = (PACKET_TOO_LARGE, 2006, 2013)
"""What becomes of a connection that sent a packet larger than the server takes: that, gone away, lost."""


def error_number(error: BaseException | None) -> int:
    """The server's or client's number of an error, 0 if it has none."""
    number = error.args[0] if error is not None and error.args else 0
    return number if isinstance(number, int) else 0


def reason(error: BaseException | None) -> str:
    """Why there is no connection, from ``Can't connect to MySQL server on 'host' ([Errno 111] Connect call …)``."""
    found = re.search(r"\[Errno (-?\d+)\] ([^)]*)", str(error))
    if found is None:
        return str(error)
    return os.strerror(int(found[1])) if int(found[1]) > 0 else found[2]  # below 0 they are not the system's


def refusal(error: BaseException | None, url: sa.URL) -> str:
    """One sentence for an error of ``REFUSED``, with what to do and without the password."""
    number, where = error_number(error), place(url)
    if number in NO_LOGIN:
        said = f"{where} refuses the user {url.username!r}: the name or the password is wrong"
    elif number == NO_DATABASE:
        said = f"there is no database {url.database!r} on {where}: create it, or mend the name"
    elif number == NO_RIGHT_TO_DATABASE:
        said = f"the user {url.username!r} may not use the database {url.database!r} on {where}: {grant(url)}"
    else:
        said = f"{where} refuses: {error.args[1] if error is not None and len(error.args) > 1 else error}"
        said += f": {grant(url)}" if number in NO_RIGHT else ""
    return f"TRADEFREE_DATABASE_URL: {said}"


def grant(url: sa.URL, right: str = "ALL", on: str | None = None, *, account: str | None = None) -> str:
    """The statement that gives a right to the configured user or an account (``name@host``), on its database if nothing
    else is said."""
    name, _, host = (account or f"{url.username}@%").rpartition("@")
    return f"GRANT {right} ON {on or f'`{url.database}`.*'} TO '{name}'@'{host}'"


def place(url: sa.URL) -> str:
    """Where the server is."""
    return f"{url.host or 'localhost'}:{url.port or 3306}"


def too_large(error: DBAPIError, packet: int) -> bool:
    """True if the connection was lost because a value does not fit into a packet: no repeat can help then."""
    if error_number(error.orig) not in _CUT_OFF or not packet:
        return False
    rows = error.params if isinstance(error.params, list) else [error.params]
    return any(len(error.statement or "") + _weight(row) > packet for row in rows)


def _weight(row: Any) -> int:
    """Bytes that the text among a statement's values takes in it, escaped as the driver does it."""
    values = row.values() if isinstance(row, Mapping) else row or ()
    return sum(len(escape_string(value).encode()) for value in values if isinstance(value, str))
