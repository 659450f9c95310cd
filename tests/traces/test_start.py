"""Tracing begins where it is asked for, and its end is not waited for long."""

from __future__ import annotations

import sys
import time

import pytest

from tradefree.settings import traces_wanted
from tradefree.traces import start
from tradefree.traces.start import tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({ENDPOINT: "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({ENDPOINT: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: ""}, False),
    ],
)
def test_the_standard_variables_decide(given: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert traces_wanted() is wanted


def test_without_an_endpoint_nothing_is_drawn() -> None:
    with tracing("1", "here") as spans:
        assert spans is None


def test_without_the_library_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "tradefree.traces.spans", None)
    with tracing("1", "here") as spans:
        assert spans is None


def test_the_end_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setattr(start, "END_WITHIN", 0.1)
    with tracing("1", "here") as spans:
        assert spans is not None
        monkeypatch.setattr(spans, "close", lambda: time.sleep(30))
        began = time.monotonic()
    assert time.monotonic() - began < 10
