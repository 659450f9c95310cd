"""What is known of the senders: which header or field tells of what, as they document it.

* Standard Webhooks: `webhook-id`, `webhook-timestamp`; the body has `type`, `timestamp`, `data` (standardwebhooks.com).
* GitHub: `X-GitHub-Event`, `X-GitHub-Delivery`, which a delivery that is repeated keeps. Types and sources are those of
  the CloudEvents adapter for GitHub.
* Stripe: an Event object with `id`, `type`, `created`, `data.object`; thin events have `related_object`.
* Shopify: `X-Shopify-Topic`, `X-Shopify-Shop-Domain`, `X-Shopify-Event-Id`; events of several topics may share an id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Headers = Mapping[str, str]
Read = Callable[[Headers, Any], Any]
"""Reads one attribute of the event from headers and body; None if it is not there."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What a sender's messages say of themselves."""

    type: Read | None = None
    source: Read | None = None
    id: Read | None = None
    subject: Read | None = None
    time: Read | None = None


def header(name: str) -> Read:
    return lambda headers, _: headers.get(name)


def field(*path: str) -> Read:
    """A field of the body."""

    def read(_: Headers, body: Any) -> Any:
        for name in path:
            body = body.get(name) if isinstance(body, dict) else None
        return body

    return read


def _github_type(headers: Headers, body: Any) -> str | None:
    event, action = headers.get("x-github-event"), field("action")(headers, body)
    if event is None:
        return None
    return f"com.github.{event}.{action}" if isinstance(action, str) else f"com.github.{event}"


def _stripe_type(headers: Headers, body: Any) -> str | None:
    kind = field("type")(headers, body)
    return f"com.stripe.{kind}" if isinstance(kind, str) else None


def _shopify_type(headers: Headers, _: Any) -> str | None:
    topic = headers.get("x-shopify-topic")
    return None if topic is None else f"com.shopify.{topic.replace('/', '.')}"


def _shopify_source(headers: Headers, _: Any) -> str | None:
    shop = headers.get("x-shopify-shop-domain")
    return None if shop is None else f"https://{shop}"


def _shopify_id(headers: Headers, _: Any) -> str | None:
    event = headers.get("x-shopify-event-id") or headers.get("x-shopify-webhook-id")
    return None if event is None else f"{event}/{headers.get('x-shopify-topic', '')}"


def first(*reads: Read) -> Read:
    """The first that is there."""

    def read(headers: Headers, body: Any) -> Any:
        return next((value for r in reads if (value := r(headers, body)) is not None), None)

    return read


PRESETS: dict[str, Preset] = {
    "standard-webhooks": Preset(
        type=field("type"),
        id=header("webhook-id"),
        time=first(field("timestamp"), header("webhook-timestamp")),
    ),
    "github": Preset(
        type=_github_type,
        source=field("repository", "url"),
        id=header("x-github-delivery"),
    ),
    "stripe": Preset(
        type=_stripe_type,
        id=field("id"),
        subject=first(field("data", "object", "id"), field("related_object", "id")),
        time=field("created"),
    ),
    "shopify": Preset(
        type=_shopify_type,
        source=_shopify_source,
        id=_shopify_id,
        time=header("x-shopify-triggered-at"),
    ),
    "hmac": Preset(),
    "token": Preset(),
}
