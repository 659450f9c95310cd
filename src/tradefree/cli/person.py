"""Who sits at the command line: for the audit trail, where no API key tells."""

from __future__ import annotations

import getpass
import socket


def person(program: str) -> str:
    """``tradefree apply (ann@office)``."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        name = "somebody"
    return f"{program} ({name}@{socket.gethostname()})"[:255]
