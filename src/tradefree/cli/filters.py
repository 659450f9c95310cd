"""Which tasks: what the filter options say, as the service wants to hear it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tradefree.cli.options import label, seconds
from tradefree.clock import SystemClock
from tradefree.errors import InvalidInput
from tradefree.tasks.states import Status


@dataclass(frozen=True, slots=True)
class Filters:
    """Everything given must hold."""

    statuses: Sequence[Status] | None = None
    types: Sequence[str] | None = None
    key: str | None = None
    labels: Sequence[str] | None = None
    text: str | None = None
    after: str | None = None
    before: str | None = None
    finished_after: str | None = None
    finished_before: str | None = None

    @property
    def empty(self) -> bool:
        return not self.document()

    def document(self) -> dict[str, Any]:
        """For a task action's body."""
        said: dict[str, Any] = {
            "status": [status.value for status in self.statuses or ()],
            "type": list(self.types or ()),
            "concurrency_key": self.key,
            "labels": dict(label(text).split("=", 1) for text in self.labels or ()),
            "q": self.text,
            "created_after": moment(self.after, "--after"),
            "created_before": moment(self.before, "--before"),
            "finished_after": moment(self.finished_after, "--finished-after"),
            "finished_before": moment(self.finished_before, "--finished-before"),
        }
        return {name: value for name, value in said.items() if value not in (None, [], {})}

    def params(self) -> list[tuple[str, str]]:
        """For a query string."""
        said = self.document()
        pairs = [("label", label(text).replace("=", ":", 1)) for text in self.labels or ()]
        for name, value in said.items():
            if name != "labels":
                pairs += [(name, text) for text in (value if isinstance(value, list) else [value])]
        return pairs


def moment(text: str | None, option: str) -> str | None:
    """ISO 8601 text in UTC, from ISO text (local time where it has no offset) or from a duration ago."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        try:
            when = SystemClock().now() - timedelta(seconds=seconds(text))
        except Exception:
            raise InvalidInput(
                "should be a time such as 2026-01-31T08:00Z or a duration such as 2h", field=option
            ) from None
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")
