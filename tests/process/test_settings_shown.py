"""Settings as they may be shown: no secret is among them, however it was given."""

from __future__ import annotations

import pytest

from tradefree.access.secrets import new_key
from tradefree.settings import Settings

URLS = {
    "redis://:canary@127.0.0.1:6379/0": "redis://:***@127.0.0.1:6379/0",
    "redis://ann:canary@h/0": "redis://ann:***@h/0",
    "redis://ann:can@ary@h/0": "redis://ann:***@h/0",
    "rediss://h/0?password=canary&ssl_cert_reqs=none": "rediss://h/0?password=***&ssl_cert_reqs=none",
    "sentinel://:canary@a:26379;sentinel://:canary@b:26379/0": "sentinel://:***@a:26379;sentinel://:***@b:26379/0",
    "sentinel://:canary@a:26379,b:26379/0": "sentinel://:***@a:26379,b:26379/0",
    "redis://h/0": "redis://h/0",
}


@pytest.mark.parametrize(("given", "shown"), URLS.items())
def test_passwords_of_brokers(given: str, shown: str) -> None:
    assert Settings(broker_url=given).shown()["TRADEFREE_BROKER_URL"] == shown


def test_passwords_of_databases() -> None:
    url = "mysql+asyncmy://root:can:ary@db.example.com:3306/tradefree_ai?charset=utf8mb4"
    expected = "mysql+asyncmy://root:***@db.example.com:3306/tradefree_ai?charset=utf8mb4"
    assert Settings(database_url=url).shown()["TRADEFREE_DATABASE_URL"] == expected


def test_every_setting_is_there_and_every_secret_is_hidden() -> None:
    settings = Settings(
        secret_key=new_key(),
        api_key="tfk_canary",
        metrics_token="canary-canary-canary",
        backup_passphrase="canary-canary",
        broker_sentinel_password="canary",
    )
    shown = settings.shown()
    assert set(shown) == {f"TRADEFREE_{name.upper()}" for name in Settings.model_fields}
    assert "canary" not in str(shown)
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() not in str(shown)
    assert shown["TRADEFREE_SECRET_KEY"] == "***"
    assert Settings().shown()["TRADEFREE_API_KEY"] is None
    assert shown["TRADEFREE_KEEP_EVENTS_DAYS"] == 90.0
    assert shown["TRADEFREE_BACKUP_VERIFY"] is True
