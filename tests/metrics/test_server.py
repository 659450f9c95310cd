"""The page of a worker: on a port of its own, behind a token if one is set."""

from __future__ import annotations

import urllib.request
from contextlib import ExitStack
from urllib.error import HTTPError

import pytest

from tradefree.errors import SettingsError
from tradefree.metrics.happened import Happened
from tradefree.metrics.server import serving
from tradefree.settings import load_settings

TOKEN = "0123456789abcdef"


def get(url: str, token: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_off_by_default() -> None:
    with serving(load_settings(), Happened("1")) as url:
        assert url is None


def test_it_serves_one_page() -> None:
    with serving(load_settings(metrics_port=0), Happened("1.2.3")) as url:
        assert url is not None
        status, text = get(url)
        assert status == 200
        assert 'tradefree_build_info{version="1.2.3"} 1.0' in text
        assert get(url.replace("/metrics", "/other"))[0] == 404


def test_a_token_is_asked_for() -> None:
    with serving(load_settings(metrics_port=0, metrics_token=TOKEN), Happened("1")) as url:
        assert url is not None
        status, text = get(url)
        assert (status, "tradefree_" in text, "TRADEFREE_METRICS_TOKEN" in text) == (401, False, True)
        assert get(url, TOKEN[:-1])[0] == 401
        assert get(url, TOKEN)[0] == 200


def test_workers_on_one_machine_take_a_port_each() -> None:
    with ExitStack() as stack:
        first = stack.enter_context(serving(load_settings(metrics_port=0), Happened("1")))
        assert first is not None
        port = int(first.rpartition(":")[2].partition("/")[0])
        second = stack.enter_context(serving(load_settings(metrics_port=port), Happened("2")))
        assert second not in (None, first)
        assert second is not None
        assert 'version="2"' in get(second)[1]


def test_an_address_that_is_not_ours_is_named() -> None:
    with (
        pytest.raises(SettingsError, match=r"TRADEFREE_METRICS_PORT: cannot listen on 192\.0\.2\.1"),
        serving(load_settings(metrics_port=0, metrics_host="192.0.2.1"), Happened("1")),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "value"), [("metrics_token", "short"), ("metrics_port", 70000), ("metrics_port", "x")]
)
def test_bad_settings_are_named(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"TRADEFREE_{name.upper()}"):
        load_settings(**{name: value})
