"""One URL for two libraries: what is read out of it, what kombu makes of ours, and what is refused in a sentence."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from broker.talk import settings
from tradefree.broker.address import Address, broker_address
from tradefree.broker.celery_app import make_celery
from tradefree.errors import SettingsError

AWKWARD = "p@ss:w/rd;?#[%25] ü"
CHECKED = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


def address(url: str) -> Address:
    return broker_address(settings(url))


def test_a_plain_url_is_read_with_the_usual_defaults() -> None:
    assert address("redis://cache") == Address("redis", (("cache", 6379),), None, None, 0, None)
    assert address("redis://cache:7000/3/").hosts == (("cache", 7000),)
    assert address("redis://cache:7000/3/").database == 3
    assert address("redis://[::1]:7000/3").hosts == (("::1", 7000),)


@pytest.mark.parametrize("user", ["", "shop", "shöp@home"])
@pytest.mark.parametrize("scheme", ["redis", "rediss", "sentinel"])
def test_awkward_passwords_reach_both_libraries_whole(scheme: str, user: str) -> None:
    url = f"{scheme}://{quote(user, safe='')}:{quote(AWKWARD, safe='')}@cache:7000/3"
    read = address(url)
    assert (read.username or "", read.password, read.database) == (user, AWKWARD, 3)
    ours = make_celery(settings(url)).connection_for_write()
    assert (ours.userid or "", ours.password, ours.hostname, ours.port) == (user, AWKWARD, "cache", 7000)
    assert ours.virtual_host == "3"


def test_a_password_is_not_shown_by_accident() -> None:
    assert "hunter2" not in repr(address("redis://:hunter2@cache"))


def test_kombu_finds_login_and_database_at_whichever_sentinel_it_asks() -> None:
    made = make_celery(settings("sentinel://:pw@one/2;sentinel://two:26380;sentinel://[::3]")).connection_for_write()
    assert len(made.alt) == 3
    for host, port in (("one", 26379), ("two", 26380), ("::3", 26379), ("one", 26379)):
        assert (made.hostname, made.port, made.password, made.virtual_host) == (host, port, "pw", "2")
        made.maybe_switch_next()


def test_the_sentinels_own_password_is_for_them_alone() -> None:
    app = make_celery(settings("sentinel://:of-redis@one", broker_sentinel_password="of-sentinel"))
    options = app.conf.broker_transport_options
    assert (options["sentinel_kwargs"]["password"], options["master_name"]) == ("of-sentinel", "mymaster")
    assert app.connection_for_write().password == "of-redis"


def test_tls_checks_certificates_and_names_unless_told_otherwise() -> None:
    assert address("rediss://cache").tls == CHECKED
    assert address("redis://cache").tls is None
    assert address("rediss://cache/0?ssl_ca_certs=/ca.pem").tls == {**CHECKED, "ssl_ca_certs": "/ca.pem"}
    assert address("rediss://cache?ssl_check_hostname=FALSE").tls == {**CHECKED, "ssl_check_hostname": False}
    for spelling in ("none", "CERT_NONE"):
        unchecked = {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
        assert address(f"rediss://cache?ssl_cert_reqs={spelling}").tls == unchecked


def test_celery_is_told_of_tls() -> None:
    """Left to itself, kombu would check nothing."""
    app = make_celery(settings("rediss://cache"))
    assert app.connection_for_write().ssl == CHECKED
    options = make_celery(settings("sentinel://one/0?ssl_ca_certs=/ca.pem")).conf
    assert options.broker_use_ssl == {**CHECKED, "ssl_ca_certs": "/ca.pem"}
    assert options.broker_transport_options["sentinel_kwargs"]["ssl"] is True


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://cache/tasks", "'tasks'"),
        ("redis://cache:port/0", "port"),
        ("redis://cache:70000/0", "port"),
        ("redis://:pa/ss@cache/0", "%2F"),
        ("redis://:pa#ss@cache/0", "%23"),
        ("redis://[::1/0", "brackets"),
        ("redis://cache/0?db=3", "'db'"),
        ("redis://cache/0?ssl_cert_reqs=none", "rediss://"),
        ("rediss://cache?ssl_cert_reqs=sometimes", "ssl_cert_reqs"),
        ("rediss://cache?ssl_check_hostname=maybe", "ssl_check_hostname"),
        ("sentinel://one;redis://two", "sentinel://"),
        ("sentinel://one;two:26379", "sentinel://"),
    ],
)
def test_what_cannot_be_right_is_refused_in_a_sentence(url: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=r"^TRADEFREE_BROKER_URL: ") as refused:
        address(url)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"])
def test_celerys_own_variable_may_not_send_rings_elsewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "redis://elsewhere/0")
    for url in ("redis://cache/0", "memory://"):
        with pytest.raises(SettingsError, match="CELERY_BROKER_URL"):
            make_celery(settings(url))
