"""Signatures of foreign webhooks: built as each provider documents, some with the provider's own example."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from tradefree.errors import BadSignature
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.signature import Message, verify

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BODY = b'{"id": "evt_1", "type": "invoice.paid",  "n": 1.0, "caf\xc3\xa9": true}'
SECRET, OTHER = "a secret of theirs", "another of theirs"
STANDARD, OTHER_STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_plJ3nmyCDGBKInavdOK15jsl"


def hook(preset: str, *secrets: str, **values: Any) -> Hook:
    event = {"type": "com.example.told"}
    return Hook.model_validate({"name": "theirs", "preset": preset, "secrets": secrets, "event": event} | values)


def sha256(secret: str, content: bytes) -> bytes:
    return hmac.new(secret.encode(), content, hashlib.sha256).digest()


def standard(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": f"{at.timestamp():.0f}", "webhook-signature": signature}


def github(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    return {"x-hub-signature-256": f"sha256={sha256(secret, body).hex()}"}


def stripe(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    time = f"{at.timestamp():.0f}"
    signature = sha256(secret, f"{time}.".encode() + body).hex()
    return {"stripe-signature": f"t={time},v1={signature},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07ab"}


def shopify(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    return {"x-shopify-hmac-sha256": base64.b64encode(sha256(secret, body)).decode()}


def slack(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    time = f"{at.timestamp():.0f}"
    signature = sha256(secret, f"v0:{time}:".encode() + body).hex()
    return {"x-slack-request-timestamp": time, "x-slack-signature": f"v0={signature}"}


def token(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


SLACK = {
    "header": "X-Slack-Signature",
    "prefix": "v0=",
    "time_header": "X-Slack-Request-Timestamp",
    "content": "v0:{time}:{body}",
}
SENDERS: dict[str, tuple[Any, dict[str, Any], tuple[str, str]]] = {
    "standard-webhooks": (standard, {}, (STANDARD, OTHER_STANDARD)),
    "github": (github, {}, (SECRET, OTHER)),
    "stripe": (stripe, {}, (SECRET, OTHER)),
    "shopify": (shopify, {}, (SECRET, OTHER)),
    "hmac": (slack, {"signature": SLACK}, (SECRET, OTHER)),
    "token": (token, {}, (SECRET, OTHER)),
}
TIMED = ("standard-webhooks", "stripe", "hmac")
every_sender = pytest.mark.parametrize("preset", SENDERS)


@every_sender
def test_what_they_signed_is_believed(preset: str) -> None:
    sign, values, (secret, _) = SENDERS[preset]

    verify(hook(preset, secret, **values), Message(BODY, sign(secret, BODY, NOW)), NOW)


@every_sender
def test_either_secret_is_good_while_they_change_it(preset: str) -> None:
    sign, values, secrets = SENDERS[preset]

    for secret in secrets:
        verify(hook(preset, *secrets, **values), Message(BODY, sign(secret, BODY, NOW)), NOW)


@every_sender
def test_another_secret_is_refused(preset: str) -> None:
    sign, values, (secret, other) = SENDERS[preset]

    with pytest.raises(BadSignature, match=r"does not fit|is not this hook's"):
        verify(hook(preset, secret, **values), Message(BODY, sign(other, BODY, NOW)), NOW)


@every_sender
def test_without_its_headers_it_is_refused(preset: str) -> None:
    sign, values, (secret, _) = SENDERS[preset]
    headers = sign(secret, BODY, NOW)

    for name in headers:
        rest = {other: text for other, text in headers.items() if other != name}
        with pytest.raises(BadSignature, match=f"the header {name} is missing"):
            verify(hook(preset, secret, **values), Message(BODY, rest), NOW)


@pytest.mark.parametrize("preset", [preset for preset in SENDERS if preset != "token"])
@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_other_bit_is_refused(preset: str, place: int, bit: int) -> None:
    sign, values, (secret, _) = SENDERS[preset]
    changed = BODY[:place] + bytes([BODY[place] ^ 1 << bit]) + BODY[place + 1 :]

    with pytest.raises(BadSignature, match="does not fit"):
        verify(hook(preset, secret, **values), Message(changed, sign(secret, BODY, NOW)), NOW)


@pytest.mark.parametrize("preset", TIMED)
def test_an_old_or_early_time_is_refused_and_said(preset: str) -> None:
    sign, values, (secret, _) = SENDERS[preset]
    message = Message(BODY, sign(secret, BODY, NOW))

    for seconds, words in ((301, "301 s old"), (-301, "301 s ahead")):
        with pytest.raises(BadSignature, match=f"signature is right, but its time is {words}; 300 s are the most"):
            verify(hook(preset, secret, **values), message, NOW + timedelta(seconds=seconds))
    for seconds in (300, -300):
        verify(hook(preset, secret, **values), message, NOW + timedelta(seconds=seconds))
    verify(hook(preset, secret, tolerance="1h", **values), message, NOW + timedelta(seconds=3000))


@pytest.mark.parametrize("preset", TIMED)
def test_an_old_message_with_a_new_time_is_refused(preset: str) -> None:
    sign, values, (secret, _) = SENDERS[preset]
    old, new = sign(secret, BODY, NOW - timedelta(hours=1)), sign(OTHER_STANDARD, BODY, NOW)
    headers = old | {name: text for name, text in new.items() if "timestamp" in name}
    if preset == "stripe":
        headers = {
            "stripe-signature": new["stripe-signature"].split(",")[0] + "," + old["stripe-signature"].split(",")[1]
        }

    with pytest.raises(BadSignature, match="does not fit"):
        verify(hook(preset, secret, **values), Message(BODY, headers), NOW)


def test_githubs_own_example() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    message = Message(b"Hello, World!", {"x-hub-signature-256": signature})

    verify(hook("github", "It's a Secret to Everybody"), message, NOW)


def test_an_example_of_standard_webhooks() -> None:
    message = Message(
        b'{"test": 2432232314}',
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1a,bm9ldHU= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
    )

    verify(hook("standard-webhooks", STANDARD), message, datetime.fromtimestamp(1614265330, UTC))


@pytest.mark.parametrize(("preset", "good", "other"), [("standard-webhooks", "v1,", "v2,"), ("stripe", "v1=", "v0=")])
def test_a_signature_of_another_scheme_counts_for_nothing(preset: str, good: str, other: str) -> None:
    sign, values, (secret, _) = SENDERS[preset]
    headers = {name: text.replace("v0=", "v9=").replace(good, other) for name, text in sign(secret, BODY, NOW).items()}

    with pytest.raises(BadSignature, match="does not fit"):
        verify(hook(preset, secret, **values), Message(BODY, headers), NOW)


@pytest.mark.parametrize("time", ["yesterday", "-5", "1e9", "1" * 13, "\u0661\u0662"])
def test_a_signed_time_that_is_none_is_refused(time: str) -> None:
    signature = sha256(SECRET, f"v0:{time}:".encode() + BODY).hex()
    message = Message(BODY, {"x-slack-request-timestamp": time, "x-slack-signature": f"v0={signature}"})

    with pytest.raises(BadSignature, match="no number of seconds"):
        verify(hook("hmac", SECRET, signature=SLACK), message, NOW)


def test_slacks_own_example() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    message = Message(body, {"x-slack-signature": signature, "x-slack-request-timestamp": "1531420618"})
    slacks = hook("hmac", "8f742231b10e8888abcd99yyyzzz85a5", signature=SLACK)

    verify(slacks, message, datetime.fromtimestamp(1531420618, UTC))


@pytest.mark.parametrize(("algorithm", "encoding"), [("sha1", "hex"), ("sha384", "base64"), ("sha512", "hex")])
def test_other_algorithms_and_encodings(algorithm: str, encoding: str) -> None:
    digest = hmac.new(SECRET.encode(), BODY, algorithm).digest()
    text = digest.hex().upper() if encoding == "hex" else base64.b64encode(digest).decode()
    theirs = hook("hmac", SECRET, signature={"header": "X-Sign", "algorithm": algorithm, "encoding": encoding})

    verify(theirs, Message(BODY, {"x-sign": text}), NOW)
    with pytest.raises(BadSignature):
        verify(theirs, Message(BODY + b" ", {"x-sign": text}), NOW)


def test_stripe_sends_two_signatures_while_it_changes_the_secret() -> None:
    old, new = stripe(OTHER, BODY, NOW)["stripe-signature"], stripe(SECRET, BODY, NOW)["stripe-signature"]
    both = f"{old},{new.split(',')[1]}"

    verify(hook("stripe", SECRET), Message(BODY, {"stripe-signature": both}), NOW)


@every_sender
@given(text=st.text(st.characters(max_codepoint=255), max_size=60))
def test_whatever_stands_in_the_headers_is_refused_in_words(preset: str, text: str) -> None:
    sign, values, (secret, _) = SENDERS[preset]
    for name in sign(secret, BODY, NOW):
        headers = sign(secret, BODY, NOW) | {name: text}
        with pytest.raises(BadSignature) as refused:
            verify(hook(preset, secret, **values), Message(BODY, headers), NOW)
        assert secret not in str(refused.value)


def test_a_token_in_a_header_of_its_own() -> None:
    gitlab = hook("token", SECRET, token_header="X-Gitlab-Token")

    verify(gitlab, Message(BODY, {"x-gitlab-token": SECRET}), NOW)
    with pytest.raises(BadSignature, match="x-gitlab-token is missing"):
        verify(gitlab, Message(BODY, {"authorization": SECRET}), NOW)


def test_secrets_are_not_shown() -> None:
    shown = repr(hook("github", SECRET, OTHER))

    assert SECRET not in shown
    assert OTHER not in shown


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"preset": "paypal"}, "preset"),
        ({"secrets": []}, "secrets"),
        ({"secrets": [SECRET, OTHER, "a third of theirs"]}, "secrets"),
        ({"secrets": ["short"]}, "should have 8 to 500 characters"),
        ({"secrets": [f"{SECRET}\n"]}, "copied with too much"),
        ({"secrets": [f"{SECRET} "]}, "copied with too much"),
        ({"preset": "standard-webhooks"}, "secrets of standard-webhooks are base64"),
        ({"preset": "standard-webhooks", "secrets": ["whsec_c2hvcnQ="]}, "secrets of standard-webhooks are base64"),
        ({"preset": "hmac"}, "signature is needed with the preset hmac"),
        ({"signature": {"header": "X-Sign"}}, "signature is needed with the preset hmac, and only there"),
        ({"preset": "hmac", "signature": {"header": "X Sign"}}, "signature.header"),
        ({"preset": "hmac", "signature": {"header": "X-Sign", "content": "{time}.{body}"}}, "time_header"),
        ({"preset": "hmac", "signature": {"header": "X-Sign", "time_header": "X-At"}}, "else it proves nothing"),
        ({"preset": "hmac", "signature": {"header": "X-Sign", "content": "static"}}, "should have {body} once"),
        ({"preset": "hmac", "signature": {"header": "X", "content": "{body}{secret}"}}, "nothing else in braces"),
        ({"preset": "token", "event": {}}, "event/type is needed with the preset token"),
        ({"event": {"type": {"cel": "body."}}}, "not a CEL expression"),
        ({"event": {"type": {"cel": "event.type"}}}, "uses event; known: body, headers"),
        ({"event": {"type": 5}}, "should be text"),
        ({"event": {"id": "always-the-same"}}, "event.id"),
        ({"id_header": "X-Id"}, "id_header belongs to hmac and token"),
        ({"tolerance": "2d"}, "tolerance"),
    ],
)
def test_a_wrong_definition_is_refused_in_words(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Hook.model_validate({"name": "theirs", "preset": "github", "secrets": [SECRET]} | values)
