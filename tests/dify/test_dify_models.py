"""What comes back from Dify, read from recorded answers, and what it cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dify.dify_replay import exchanges
from tradefree.dify.handle import Handle
from tradefree.dify.models import LogPage, Parameters, RunDetail, RunResult, StreamEvent, decimal_of
from tradefree.dify.stream import EventParser
from tradefree.dify.usage import Cost, Meter


def events(name: str, number: int = 1) -> list[StreamEvent]:
    return EventParser().feed(exchanges(name)[number - 1].body)


def node(execution: str, tokens: int | None, price: Any = None, currency: str = "USD", **more: Any) -> StreamEvent:
    metadata = {"total_tokens": tokens, "total_price": price, "currency": currency}
    return StreamEvent("node_finished", {"data": {"id": execution, "execution_metadata": metadata, **more}})


def test_result_of_a_recorded_stream() -> None:
    result = RunResult.of_event(events("02-")[-1])

    assert result.run_id == "85377e9d-1d23-442b-963f-c41227a821e1"
    assert result.task_id == "05ce7d08-d35b-4d7e-9ec9-08176db4d5a5"
    assert result.status == "succeeded"
    assert result.outputs == {"result": "yes please", "branch": 200}
    assert (result.elapsed_time, result.total_steps, result.error) == (0.167238, 4, None)
    assert result.ended


def test_paused_is_settled_but_not_ended() -> None:
    result = RunResult.of_event(events("27")[-1])

    assert result.status == "paused"
    assert result.run_id == "acbaca82-3d04-4019-a422-46012d742746"
    assert result.settled
    assert not result.ended
    assert RunResult.of_event(StreamEvent("workflow_paused", {"data": {}})).status == "paused"


def test_detail_unwraps_its_inputs() -> None:
    detail = RunDetail.of(exchanges("24")[1].json)

    assert detail.inputs["query"] == "find-me-4711"
    assert detail.result.outputs == {"result": "find-me-4711"}
    assert detail.result.status == "succeeded"


def test_events_of_a_replay_do_not_pass_the_run_id_off_as_task_id() -> None:
    replayed = events("31", 2)

    assert replayed[1].event == "workflow_started"
    assert replayed[1].task_id is None
    assert replayed[-1].task_id == "30e1564b-15d5-48e9-9eb3-daa0db87dd27"
    assert events("31", 7)[-1].task_id is None


def test_a_handle_learns_what_it_lacks_and_nothing_of_other_runs() -> None:
    def told(run_id: str, task_id: str) -> StreamEvent:
        return StreamEvent("node_started", {"workflow_run_id": run_id, "task_id": task_id})

    fresh = Handle("u", 1)
    replayed = fresh.with_ids_of(told("r", "r"), now=5.0)
    live = replayed.with_ids_of(told("r", "t"), now=9.0)

    assert fresh.with_ids_of(StreamEvent("ping"), now=5.0) == fresh
    assert replayed == Handle("u", 1, "r", None, 5.0)
    assert replayed.with_ids_of(told("other", "t"), now=9.0) == replayed
    assert live == Handle("u", 1, "r", "t", 5.0)
    assert Handle.of(live.state(), "T") == live


def test_log_page() -> None:
    page = LogPage.of(exchanges("35b")[0].json)

    assert page.total == 1
    assert not page.has_more
    assert page.entries[0].run_id == "5ef86658-2c8a-4edc-8835-ea9bdb3a335b"
    assert page.entries[0].user == "noworker-user"
    assert page.entries[0].status == "succeeded"


def test_form() -> None:
    form = Parameters.of(exchanges("23")[1].json).form

    assert [(item.variable, item.kind, item.required) for item in form] == [
        ("query", "text-input", True),
        ("n", "number", False),
        ("kind", "select", False),
        ("flag", "checkbox", False),
        ("meta", "json_object", False),
        ("note", "paragraph", False),
    ]
    assert form[0].max_length == 48
    assert form[2].options == ("a", "b")


@pytest.mark.parametrize("junk", [None, [], {}, "x", 5, {"data": 7}, {"data": {"status": 9, "outputs": "no"}}])
def test_readers_are_tolerant(junk: Any) -> None:
    fields = (
        junk if isinstance(junk, dict) else {"data": junk, "inputs": junk, "outputs": junk, "user_input_form": junk}
    )

    assert RunResult.of_event(StreamEvent("workflow_finished", fields)).outputs == {}
    assert RunDetail.of(fields).result.error is None
    assert LogPage.of(fields).entries == ()
    assert Parameters.of(fields).form == ()


def test_an_unknown_status_is_not_an_end() -> None:
    assert not RunDetail.of({"id": "r", "status": "contemplating"}).result.settled


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("0.0000069", Decimal("0.0000069")),
        ("0E-7", Decimal("0E-7")),
        (0, Decimal(0)),
        (0.1, None),
        (True, None),
        ("NaN", None),
        ("Infinity", None),
        ("a lot", None),
        (None, None),
    ],
)
def test_prices_are_decimals(value: Any, price: Decimal | None) -> None:
    assert decimal_of(value) == price


def test_cost_of_a_recorded_run() -> None:
    meter = Meter()
    for event in events("43", 2):
        meter.add(event)

    cost = meter.cost(34)

    assert cost == Cost(34, 30, 4, Decimal("0.0000069"), "USD")
    assert isinstance(cost.price, Decimal)


def test_cost_adds_up_exactly_and_a_node_told_twice_counts_once() -> None:
    meter = Meter()
    for event in (node("a", 10, "0.1"), node("b", 5, "0.2"), node("a", 10, "0.1"), node("c", None, "9")):
        meter.add(event)

    assert meter.cost() == Cost(total_tokens=15, price=Decimal("0.3"), currency="USD")
    assert meter.cost(total_tokens=20).total_tokens == 20
    assert meter.cost(total_tokens=3).total_tokens == 15


def test_two_currencies_do_not_add_up() -> None:
    meter = Meter()
    meter.add(node("a", 1, "1", "USD"))
    meter.add(node("b", 1, "1", "RMB"))

    assert meter.cost() == Cost(total_tokens=2)


def test_nothing_known_is_none_and_not_zero() -> None:
    assert Meter().cost() == Cost()
