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
        ("PORT", "99999"),
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "many"),
        ("QUEUES", "a,,b"),
        ("LOG_LEVEL", "chatty"),
        ("MAX_BODY_BYTES", "10"),
        ("PUBLIC_URL", "tasks.example.com"),
        ("PUBLIC_URL", "https://user:secret@tasks.example.com"),
        ("PUBLIC_URL", "https://tasks.example.com/?a=b"),
        ("CALLBACK_ALLOW", "http://hooks.example.com"),
        ("CALLBACK_ALLOW", "10.0.0.0/99"),
        ("CALLBACK_ALLOW", "hooks.example.com:8080"),
        ("CALLBACK_ALLOW", "*.example.com"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TRADEFREE_{name}", value)
    with pytest.raises(SettingsError, match=f"^TRADEFREE_{name}: .+"):
        load_settings()


def test_where_callbacks_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_CALLBACK_ALLOW", "hooks.corp.example, .inner.example,10.1.0.0/16 , fd00::/8,redis,")
    monkeypatch.setenv("TRADEFREE_PUBLIC_URL", "https://tasks.example.com/tf/")
    settings = load_settings()
    assert settings.callback_hosts == ("hooks.corp.example", ".inner.example", "10.1.0.0/16", "fd00::/8", "redis")
    assert settings.public_url == "https://tasks.example.com/tf"


def test_a_database_url_that_cannot_be_read() -> None:
    settings = load_settings(database_url="mysql+asyncmy://u:swordfish@host:abc/x")
    with pytest.raises(SettingsError, match="TRADEFREE_DATABASE_URL") as caught:
        settings.database  # noqa: B018
    assert "swordfish" not in str(caught.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", "very-secret")
    monkeypatch.setenv("TRADEFREE_API_KEY", "tfk_secret")
    assert "secret" not in repr(load_settings()).replace("secret_key=", "")
