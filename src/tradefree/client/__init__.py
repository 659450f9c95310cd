"""The SDK: what a program of yours needs to work with a task service.

``Client`` is asynchronous, ``SyncClient`` is the same for programs that are not. Every call is safe to repeat, and is
repeated where that helps. All errors are of the tree in ``tradefree.errors``.
"""

from __future__ import annotations

from tradefree.client.callbacks import Callback, verify_callback
from tradefree.client.client import Client
from tradefree.client.plain import SyncClient
from tradefree.client.stream import Event
from tradefree.client.tasks import LogLine, NewTask, Options, Outcome, Task
from tradefree.errors import (
    BadSignature,
    Conflicting,
    InvalidInput,
    InvalidRequest,
    KeyRefused,
    NotEnded,
    NotFound,
    Refused,
    ServiceUnavailable,
    TaskFailed,
    Throttled,
    TradefreeError,
)

__all__ = [
    "BadSignature",
    "Callback",
    "Client",
    "Conflicting",
    "Event",
    "InvalidInput",
    "InvalidRequest",
    "KeyRefused",
    "LogLine",
    "NewTask",
    "NotEnded",
    "NotFound",
    "Options",
    "Outcome",
    "Refused",
    "ServiceUnavailable",
    "SyncClient",
    "Task",
    "TaskFailed",
    "Throttled",
    "TradefreeError",
    "verify_callback",
]
