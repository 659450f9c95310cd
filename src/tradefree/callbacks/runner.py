"""The runner of deliveries: looks up where to, signs, sends, and says what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tradefree.callbacks import signing
from tradefree.callbacks.envelope import MEDIA_TYPE, envelope
from tradefree.callbacks.health import HealthBook
from tradefree.callbacks.sender import Answer, Sender
from tradefree.clock import Clock
from tradefree.errors import Failed, InvalidInput
from tradefree.tasks.callbacks.delivery import CALLBACK, Delivery, host_of
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import Run
from tradefree.tasks.task import Json
from tradefree.tasks.types import TaskType

GONE = 410
ASK_AGAIN_LATER = (429, 503)


class OwnSecrets(Protocol):
    async def installation(self) -> Secrets:
        """The secrets that sign callbacks to tasks' own ``callback_url``."""
        ...


class CallbackRunner:
    """Performs deliveries. ``webhook-id`` is the delivery's id, the same at each attempt, so receivers can tell."""

    name = "callback"
    resumable = False

    def __init__(
        self,
        sender: Sender,
        catalog: Catalog,
        own: OwnSecrets,
        health: HealthBook,
        clock: Clock,
        public_url: str | None = None,
    ) -> None:
        self._sender = sender
        self._catalog = catalog
        self._own = own
        self._health = health
        self._clock = clock
        self._public_url = public_url
        self._secrets: tuple[int, Secrets] | None = None
        """The installation's own, and the catalog's version at which they were read."""

    async def run(self, run: Run) -> Json:
        """See ``ports.Runner``."""
        delivery = Delivery.of(run.input_data)
        url, secrets = await self._target(delivery)
        body = envelope(run.task_id, delivery, self._public_url)
        now = self._clock.now()
        headers = {"Content-Type": MEDIA_TYPE, **signing.headers(run.task_id, now, body, secrets.at(now))}
        if delivery.traceparent is not None:
            headers["traceparent"] = delivery.traceparent
        try:
            answer = await self._post(url, body, headers, delivery)
        except Failed as error:
            if delivery.subscription is not None:
                self._health.note(delivery.subscription, str(error))
            raise
        if delivery.subscription is not None:
            self._health.note(delivery.subscription)
        return {"status": answer.status, "host": host_of(url), "bytes": len(body)}

    async def _target(self, delivery: Delivery) -> tuple[str, Secrets]:
        if delivery.subscription is None:
            return delivery.url or "", await self._own_secrets()
        subscriber = (await self._catalog.subscribers()).get(delivery.subscription)
        if subscriber is None:
            await self._catalog.anew()
            subscriber = (await self._catalog.subscribers()).get(delivery.subscription)
        if subscriber is None:
            words = f"There is no subscription {delivery.subscription!r} any more, or its secrets cannot be decrypted."
            raise Failed(words, code="no_subscription", retryable=False)
        return subscriber.subscription.url, subscriber.secrets

    async def _own_secrets(self) -> Secrets:
        """As fresh as the catalog: a rotation is a change of definitions."""
        await self._catalog.types()
        if self._secrets is None or self._secrets[0] != self._catalog.version:
            self._secrets = (self._catalog.version, await self._own.installation())
        return self._secrets[1]

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], delivery: Delivery) -> Answer:
        answer = await self._sender.post(url, body, headers)
        status = answer.status
        if 200 <= status < 300:
            return answer
        wait = answer.retry_after if status in ASK_AGAIN_LATER else None
        said = f"The receiver {host_of(url)} answered {status}"
        if 300 <= status < 400:
            raise Failed(f"{said}; redirects are not followed.", code="redirect")
        if status == GONE and delivery.subscription is not None:
            await self._health.gone(delivery.subscription)
        raise Failed(
            f"{said}.",
            code=f"http_{status}",
            retryable=status != GONE or delivery.subscription is not None,
            retry_after=wait,
        )

    async def stop(self, run: Run) -> bool:  # noqa: ARG002
        """See ``ports.Runner``."""
        return True

    def check(self, task_type: TaskType) -> None:
        """No type but the built-in one has this runner."""
        if task_type.name != CALLBACK:
            raise InvalidInput("is the system's own", field="runner")

    async def close(self) -> None:
        """Close all connections."""
        await self._health.close()
        await self._sender.close()
