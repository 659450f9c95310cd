"""From a foreign message to an event: what the presets find, what a definition says, and what cannot be."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefree.errors import InvalidInput
from tradefree.events.event import NewEvent
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.mapping import read
from tradefree.events.hooks.signature import Message

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def told(preset: str, body: Any, headers: dict[str, str] | None = None, **values: Any) -> NewEvent:
    values = {"name": "theirs", "preset": preset, "secrets": [SECRET], **values}
    return read(Hook.model_validate(values), Message(orjson.dumps(body), headers or {}), body)


def test_github() -> None:
    body = {"action": "opened", "repository": {"url": "https://api.github.com/repos/a/b"}, "number": 7}
    headers = {"x-github-event": "pull_request", "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}

    event = told("github", body, headers)

    assert event == NewEvent(
        id="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        source="https://api.github.com/repos/a/b",
        type="com.github.pull_request.opened",
        data=body,
    )
    assert told("github", {"zen": "Speak like a human."}, {"x-github-event": "ping"}).type == "com.github.ping"


def test_stripe() -> None:
    body = {
        "id": "evt_1MqqbKLt4dXK03v5qaIbiNCC",
        "object": "event",
        "created": 1680064028,
        "type": "customer.subscription.updated",
        "data": {"object": {"id": "sub_1Mqqb6Lt4dXK03v50OA219Ya"}},
    }

    event = told("stripe", body)

    assert event.type == "com.stripe.customer.subscription.updated"
    assert (event.id, event.source) == ("evt_1MqqbKLt4dXK03v5qaIbiNCC", "/hooks/theirs")
    assert (event.subject, event.time) == ("sub_1Mqqb6Lt4dXK03v50OA219Ya", datetime.fromtimestamp(1680064028, UTC))


def test_shopify() -> None:
    headers = {
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": "a-shop.myshopify.com",
        "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-triggered-at": "2023-03-29T18:00:27.877041743Z",
    }

    event = told("shopify", {"id": 820982911946154508}, headers)

    assert (event.type, event.source) == ("com.shopify.orders.create", "https://a-shop.myshopify.com")
    assert event.id == "98880550-7158-44d4-b7cd-2c97c8a091b5/orders/create"
    assert event.time == datetime(2023, 3, 29, 18, 0, 27, 877041, tzinfo=UTC)
    updated = told("shopify", {}, headers | {"x-shopify-topic": "orders/updated"})
    assert updated.id != event.id, "one event of theirs is told under several topics"


def test_standard_webhooks() -> None:
    body = {"type": "user.created", "timestamp": "2022-11-03T20:26:10.344522Z", "data": {"id": "1f81eb52"}}

    event = told("standard-webhooks", body, {"webhook-id": "msg_1", "webhook-timestamp": "1614265330"})

    assert (event.type, event.id, event.data) == ("user.created", "msg_1", body)
    assert event.time == datetime(2022, 11, 3, 20, 26, 10, 344522, tzinfo=UTC)


def test_without_an_id_the_body_tells_messages_apart() -> None:
    one, same, other = (told("token", body, event={"type": "t"}).id for body in ({"n": 1}, {"n": 1}, {"n": 2}))

    assert one == same == f"sha256:{hashlib.sha256(orjson.dumps({'n': 1})).hexdigest()}"
    assert other != one
    named = told("token", {}, {"x-message": "m-1"}, id_header="X-Message", event={"type": "t"})
    assert named.id == "m-1"


def test_a_definition_comes_before_the_preset() -> None:
    event = told(
        "github",
        {"action": "opened", "n": 7, "who": {"name": "ann"}, "at": 1680064028},
        {"x-github-event": "issues", "x-github-delivery": "d-1"},
        event={
            "type": {"cel": "'com.example.' + headers['x-github-event']"},
            "source": "urn:example:issues",
            "id": {"cel": "body.n"},
            "subject": {"cel": "body.who.name"},
            "time": {"cel": "body.at"},
            "data": {"cel": "{'number': body.n, 'by': body.who}"},
        },
    )

    assert event == NewEvent(
        id="7",
        source="urn:example:issues",
        type="com.example.issues",
        subject="ann",
        time=datetime.fromtimestamp(1680064028, UTC),
        data={"number": 7, "by": {"name": "ann"}},
    )


@pytest.mark.parametrize(
    ("mapping", "field", "reason"),
    [
        ({"type": {"cel": "body.kind"}}, "event/type", "there is no 'kind'"),
        ({"type": {"cel": "body"}}, "event/type", "should be text, not dict"),
        ({"type": {"cel": "''"}}, "event/type", "should be text"),
        ({"type": {"cel": "body.long"}}, "event/type", "has 300 characters; 255 are the most"),
        ({"type": "t", "source": {"cel": "true"}}, "event/source", "should be text, not bool"),
        ({"type": "t", "subject": {"cel": "[1]"}}, "event/subject", "should be text, not list"),
        ({"type": "t", "time": {"cel": "'yesterday'"}}, "event/time", "ISO 8601"),
        ({"type": "t", "time": {"cel": "'2026-01-01T00:00:00'"}}, "event/time", "with an offset"),
        ({"type": "t", "time": {"cel": "1e300"}}, "event/time", "seconds since 1970"),
        ({"type": "t", "data": {"cel": "b'abc'"}}, "event/data", "is not JSON"),
        ({"type": "t", "data": {"cel": "body.n / 0"}}, "event/data", "body.n / 0"),
    ],
)
def test_a_mapping_that_gives_nothing_good_names_its_part(mapping: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        told("token", {"n": 1, "long": "x" * 300}, event=mapping)

    assert refused.value.field == field


def test_a_long_id_is_told_by_its_digest() -> None:
    one, other = (told("token", {"n": "x" * 300 + end}, event={"type": "t", "id": {"cel": "body.n"}}) for end in "ab")

    assert one.id.startswith("sha256:")
    assert one.id != other.id


@pytest.mark.parametrize("name", ["authorization", "cookie", "x-api-key", "x-gitlab-token"])
def test_no_expression_sees_a_secret(name: str) -> None:
    with pytest.raises(InvalidInput, match="there is no"):
        told(
            "token",
            {},
            {name: SECRET},
            token_header="X-Gitlab-Token",
            event={"type": {"cel": f"headers['{name}']"}},
        )


@given(body=json, preset=st.sampled_from(["github", "stripe", "shopify"]))
def test_whatever_the_body_the_presets_find_what_they_can(body: Any, preset: str) -> None:
    event = told(preset, body, {"x-github-event": "ping", "x-shopify-topic": "orders/create"}, event={"type": "t"})

    assert (event.type, event.data) == ("t", body)
    assert event.source
    assert event.id
