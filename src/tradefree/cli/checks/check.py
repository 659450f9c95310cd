"""A check: what one look brought to light, and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from sqlalchemy.exc import SQLAlchemyError

from tradefree.errors import TradefreeError

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of ``doctor``."""

    name: str
    status: Status
    detail: str
    advice: str = ""
    """What to do; empty if there is nothing to do."""


class Finding(TradefreeError):
    """Something that ``doctor`` itself found. Without ``advice``, that of the check holds."""

    status: ClassVar[Status]

    def __init__(self, detail: str, advice: str = "") -> None:
        super().__init__(detail)
        self.advice = advice


class Fault(Finding):
    """It cannot work like this."""

    status = "failed"


class Caution(Finding):
    """It works, but somebody should know."""

    status = "warning"


class Unseen(Finding):
    """It cannot be looked at."""

    status = "skipped"


async def look(name: str, see: Callable[[], str | Awaitable[str]], advice: str = "") -> Check:
    """Say what was seen, or what is wrong; ``advice`` says what to do unless the finding does."""
    try:
        seen = see()
        return Check(name, "ok", seen if isinstance(seen, str) else await seen)
    except Finding as finding:
        return Check(name, finding.status, str(finding), finding.advice or advice)
    except (TradefreeError, OSError) as error:
        return Check(name, "failed", str(error) or type(error).__name__, advice)
    except SQLAlchemyError as error:  # whatever a strange server says, the other checks go on
        return Check(name, "failed", str(error).partition("\n")[0], advice)


def skipped(names: Iterable[str], first: str) -> list[Check]:
    """Checks that make no sense until another thing works."""
    return [Check(name, "skipped", f"the {first} comes first") for name in names]
