"""Signatures, checked by the library that receivers use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tradefree.callbacks.signing import headers
from tradefree.tasks.callbacks.secrets import KEEP, Secrets, new_secret, secret_bytes

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.text())
def test_the_receivers_library_takes_what_was_signed(text: str) -> None:
    secret, body = new_secret(), text.encode(errors="replace")
    Webhook(secret).verify(body, headers("msg_1", datetime.now(UTC), body, [secret]), json_parse=False)


def test_it_refuses_another_body_id_time_and_secret() -> None:
    secret, body, now = new_secret(), b'{"a": 1}', datetime.now(UTC)
    good = headers("msg_1", now, body, [secret])
    for wrong in (
        {**good, "webhook-id": "msg_2"},
        {**good, "webhook-timestamp": str(int(now.timestamp()) + 1)},
        headers("msg_1", now, body, [new_secret()]),
        headers("msg_1", now, b'{"a": 2}', [secret]),
        headers("msg_1", now - timedelta(minutes=6), body, [secret]),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, wrong)


def test_while_a_secret_is_rotated_receivers_with_either_are_served() -> None:
    old, new = new_secret(), new_secret()
    now = datetime.now(UTC)
    secrets = Secrets(current=old).rotated(new, now)
    assert secrets.at(now) == (new, old)
    signed = headers("msg_1", now, b"{}", secrets.at(now))
    for secret in (old, new):
        Webhook(secret).verify(b"{}", signed)
    assert secrets.at(now + KEEP) == (new,)


def test_a_stolen_secret_signs_no_more() -> None:
    old, new = new_secret(), new_secret()
    assert Secrets(current=old).rotated(new, NOW, timedelta(0)).at(NOW) == (new,)


def test_the_same_secret_again_is_no_rotation() -> None:
    secrets = Secrets(current=new_secret())
    assert secrets.rotated(secrets.current, NOW) is secrets


def test_secrets_are_not_shown() -> None:
    secrets = Secrets(current=new_secret(), old=new_secret(), old_until=NOW)
    assert "whsec_" not in repr(secrets)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "should begin with whsec_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "should begin with whsec_"),
        ("whsec_", "24 to 64 bytes"),
        ("whsec_AAAA", "24 to 64 bytes"),
        ("whsec_" + "A" * 92, "24 to 64 bytes"),
        ("whsec_not base64!", "copied whole"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "copied whole"),
    ],
)
def test_what_is_no_secret(secret: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as wrong:
        secret_bytes(secret)
    body = secret.removeprefix("whsec_")
    assert not body or body not in str(wrong.value)


def test_a_known_signature() -> None:
    """The example of the specification's own test vectors."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}', [secret]
    )
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
