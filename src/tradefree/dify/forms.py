"""The apps' input forms, kept for a while, so that inputs can be refused before Dify is asked, at no call per task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tradefree.dify.client import DifyClient
from tradefree.dify.errand import Errand
from tradefree.dify.errors import DifyError
from tradefree.dify.inputs import problem_with
from tradefree.dify.models import InputField
from tradefree.dify.verdict import RunFailed

MAX_AGE = 300.0
"""Seconds for which a form is believed; one that refuses something is read again first, if it is not fresh."""
FRESH = 2.0
"""Seconds: a form as young as this is not read again."""
RETRY_AFTER = 30.0
"""Seconds before the next try where a form could not be read; until then nothing is checked."""
PATIENCE = 3.0
"""Seconds a run waits for the form. Dify's own checks are only slower to be heard of, so this must not cost more."""


@dataclass(slots=True)
class _Kept:
    form: tuple[InputField, ...] | None = None
    read_at: float = float("-inf")
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Forms:
    """One form for each client, which is to say for each connection."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: WeakKeyDictionary[DifyClient, _Kept] = WeakKeyDictionary()

    async def refuse_misfit(self, client: DifyClient, errand: Errand) -> None:
        """Raise RunFailed (``dify_bad_inputs``) if the app's form is known and refuses the errand's inputs.

        The form is that of the latest version, so that errands to another version are let through.
        """
        if errand.version is not None:
            return
        problem = await self._problem(client, errand, MAX_AGE)
        if problem and (problem := await self._problem(client, errand, FRESH)):
            message = f"Dify was not asked, because the input does not fit the app's form: {problem}."
            raise RunFailed(message, code="dify_bad_inputs", retryable=False)

    def forget(self, client: DifyClient) -> None:
        """Read the form again before the next run: Dify has refused what it let through."""
        self._kept.pop(client, None)

    async def _problem(self, client: DifyClient, errand: Errand, max_age: float) -> str | None:
        form = await self._form(client, max_age)
        return None if form is None else problem_with(form, errand.inputs)

    async def _form(self, client: DifyClient, max_age: float) -> tuple[InputField, ...] | None:
        kept = self._kept.setdefault(client, _Kept())
        async with kept.reading:
            limit = max_age if kept.form is not None else RETRY_AFTER
            if self._now() - kept.read_at >= limit:
                try:
                    async with asyncio.timeout(PATIENCE):
                        kept.form = (await client.parameters()).form
                except (DifyError, TimeoutError):
                    kept.form = None
                kept.read_at = self._now()
        return kept.form
