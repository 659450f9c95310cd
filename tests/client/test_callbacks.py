from __future__ import annotations

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tradefree.callbacks.envelope import envelope
from tradefree.callbacks.signing import headers
from tradefree.client import BadSignature, verify_callback
from tradefree.tasks.callbacks.delivery import Delivery
from tradefree.tasks.callbacks.secrets import new_secret

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
BODY = (
    b'{"specversion":"1.0","type":"ai.tradefree.task.completed","time":"2026-11-26T04:00:00Z",'
    b'"data":{"id":"t-1","status":"completed"}}'
)
OLD, NEW = new_secret(), new_secret()


def verified(
    body: bytes = BODY, *, signed_with: str = NEW, secret: str | list[str] = NEW, late: float = 0.0
) -> str | None:
    sent = headers("d-1", NOW, BODY, [signed_with])
    return verify_callback(body, sent, secret, now=NOW.timestamp() + late).task_id


def test_what_the_service_signs_is_verified() -> None:
    callback = verify_callback(BODY, headers("d-1", NOW, BODY, [OLD, NEW]), NEW, now=NOW.timestamp())
    assert (callback.id, callback.type, callback.task_id) == ("d-1", "ai.tradefree.task.completed", "t-1")
    assert callback.time == NOW
    assert callback.data["status"] == "completed"


def test_header_names_may_be_written_in_any_case() -> None:
    sent = {name.title(): value for name, value in headers("d-1", NOW, BODY, [NEW]).items()}
    assert verify_callback(BODY, sent, NEW, now=NOW.timestamp()).id == "d-1"


def test_the_reference_library_says_the_same() -> None:
    now = datetime.now(UTC)
    sent = {"webhook-id": "d-1", "webhook-timestamp": str(int(now.timestamp()))}
    sent["webhook-signature"] = Webhook(NEW).sign("d-1", now, BODY.decode())
    assert verify_callback(BODY, sent, NEW).id == "d-1"


def test_two_secrets_during_a_rotation() -> None:
    assert verified(signed_with=OLD, secret=[NEW, OLD]) == "t-1"


@pytest.mark.parametrize("late", [301.0, -301.0])
def test_what_was_sent_long_ago_or_will_be_is_refused(late: float) -> None:
    with pytest.raises(BadSignature, match="its time is 301 s"):
        verified(late=late)
    assert verified(late=late * 0.9) == "t-1"


def test_another_secret_and_a_changed_body_are_refused() -> None:
    with pytest.raises(BadSignature, match="does not fit"):
        verified(signed_with=OLD)
    with pytest.raises(BadSignature, match="does not fit"):
        verified(BODY.replace(b"t-1", b"t-2"))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    sent = headers("d-1", NOW, BODY, [NEW])
    del sent[name]
    with pytest.raises(BadSignature, match=name):
        verify_callback(BODY, sent, NEW, now=NOW.timestamp())


@pytest.mark.parametrize("signature", ["v1,", "v1,%%", "v2,AAAA", "nonsense", "v1," + "A" * 43 + "="])
def test_signatures_that_are_none(signature: str) -> None:
    sent = {**headers("d-1", NOW, BODY, [NEW]), "webhook-signature": signature}
    with pytest.raises(BadSignature, match="does not fit"):
        verify_callback(BODY, sent, NEW, now=NOW.timestamp())


def test_a_secret_that_is_none_is_said_to_be_without_showing_it() -> None:
    with pytest.raises(ValueError, match="should begin with whsec_") as caught:
        verify_callback(BODY, headers("d-1", NOW, BODY, [NEW]), "canary")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":"x","data":"y"}', b'{"type":"x","time":"never"}'])
def test_a_signed_body_that_is_no_callback(body: bytes) -> None:
    with pytest.raises(BadSignature, match="no CloudEvent"):
        verify_callback(body, headers("d-1", NOW, body, [NEW]), NEW, now=NOW.timestamp())


def test_the_envelope_of_a_delivery_is_read() -> None:
    delivery = Delivery(event="ai.tradefree.task.failed", at=NOW, data={"id": "t-9"}, subscription="shop")
    body = envelope("d-2", delivery, None)
    callback = verify_callback(body, headers("d-2", NOW, body, [NEW]), NEW, now=NOW.timestamp())
    assert (callback.type, callback.task_id, callback.time) == ("ai.tradefree.task.failed", "t-9", NOW)
