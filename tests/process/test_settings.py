"""Settings: read from the environment, and a wrong one is named in a sentence."""

from __future__ import annotations

import pytest

from tradefree.errors import SettingsError
from tradefree.settings import load_settings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_CONCURRENCY", "17")
    monkeypatch.setenv("TRADEFREE_QUEUES", "default, heavy")
    settings = load_settings()
    assert settings.concurrency == 17
    assert settings.queue_names == ("default", "heavy")
    assert settings.embedded


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_PORT", "1234")
    assert load_settings(port=4321).port == 4321


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgresql+asyncpg://localhost/x"),
        ("BROKER_URL", "amqp://localhost"),
        ("BROKER_URL", "redis://localhost:port"),
        ("BROKER_URL", "redis://localhost/queue"),
        ("BROKER_URL", "redis://:pass#word@localhost/0"),
        ("BROKER_URL", "sentinel://one:26379;sentinel://two:x"),
        ("PORT", "99999"),
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "many"),
        ("QUEUES", "a,,b"),
        ("LOG_LEVEL", "chatty"),
        ("MAX_BODY_BYTES", "10"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TRADEFREE_{name}", value)
    with pytest.raises(SettingsError, match=f"^TRADEFREE_{name}: .+"):
        load_settings()


@pytest.mark.parametrize(
    "url",
    [
        "memory://",
        "redis://localhost",
        "redis:///0",
        "rediss://user:p%40ss@redis.example:6380/3?ssl_cert_reqs=required",
        "redis://[::1]:6379/0",
        "sentinel://:secret@one:26379;sentinel://two:26379/1",
    ],
)
def test_brokers(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TRADEFREE_BROKER_URL", url)
    assert load_settings().broker_url == url


def test_a_wrong_url_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BROKER_URL"):
        monkeypatch.setenv("TRADEFREE_BROKER_URL", "memory://")
        monkeypatch.setenv(f"TRADEFREE_{name}", "redis://:swordfish@host:abc/x")
        with pytest.raises(SettingsError) as caught:
            load_settings()
        assert "swordfish" not in str(caught.value)


def test_a_database_url_that_cannot_be_read() -> None:
    settings = load_settings(database_url="mysql+asyncmy://u:swordfish@host:abc/x")
    with pytest.raises(SettingsError, match="TRADEFREE_DATABASE_URL") as caught:
        settings.database  # noqa: B018
    assert "swordfish" not in str(caught.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", "very-secret")
    monkeypatch.setenv("TRADEFREE_API_KEY", "tfk_secret")
    assert "secret" not in repr(load_settings()).replace("secret_key=", "")
