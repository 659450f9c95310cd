"""The inner data that nodes of each type show in their events."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tradefree.testing.dify_standin.run import NodeRun, Run

_INPUT_PRICE = Decimal("0.15")
_OUTPUT_PRICE = Decimal("0.60")
_PRICE_UNIT = Decimal("0.000001")
_MODEL = {"model_provider": "langgenius/openai/openai", "model_name": "standin-model"}


def fill(run: Run, node: NodeRun, outputs: dict[str, Any]) -> None:
    """Set the inputs, process data, outputs and metadata of a node that succeeded. `outputs` are the workflow's."""
    match node.node.type:
        case "start":
            node.inputs = node.outputs = run.inputs
        case "end":
            node.inputs = node.outputs = outputs
        case "answer":
            node.outputs = {"answer": outputs.get("answer", ""), "files": []}
        case "http-request":
            _http_request(node, outputs)
        case "llm":
            _llm(run, node, outputs)
        case "if-else":
            _if_else(run, node)


def fill_failed(node: NodeRun) -> None:
    """A failed node shows what it asked for and no outputs."""
    if node.node.type == "http-request":
        node.process_data = {"request": _request(node)}


def fill_defaulted(node: NodeRun, error: str, error_type: str, body: str) -> None:
    """A node whose error strategy gave default values (Dify 1.14.2: status `exception`, "Unknown error")."""
    fill_failed(node)
    node.outputs = {"body": body, "status_code": 0, "headers": {}, "error_message": error, "error_type": error_type}
    node.metadata = {"error_strategy": "default-value"}


def main_text(outputs: dict[str, Any]) -> str:
    """The first text among the outputs; all of them as JSON if there is none."""
    return next((value for value in outputs.values() if isinstance(value, str)), None) or json.dumps(
        outputs, ensure_ascii=False
    )


def usage(node: NodeRun) -> dict[str, Any]:
    """Tokens and money of a model call; a third of the tokens are the completion."""
    tokens = node.node.tokens
    completion = tokens // 3
    prompt_price = (tokens - completion) * _INPUT_PRICE * _PRICE_UNIT
    completion_price = completion * _OUTPUT_PRICE * _PRICE_UNIT
    latency = round(node.elapsed, 3)
    return {
        "prompt_tokens": tokens - completion,
        "prompt_unit_price": str(_INPUT_PRICE),
        "prompt_price_unit": str(_PRICE_UNIT),
        "prompt_price": _money(prompt_price),
        "completion_tokens": completion,
        "completion_unit_price": str(_OUTPUT_PRICE),
        "completion_price_unit": str(_PRICE_UNIT),
        "completion_price": _money(completion_price),
        "total_tokens": tokens,
        "total_price": node.node.price or _money(prompt_price + completion_price),
        "currency": "USD",
        "latency": latency,
        "time_to_first_token": round(latency * 0.4, 3),
        "time_to_generate": round(latency * 0.6, 3),
    }


def _http_request(node: NodeRun, outputs: dict[str, Any]) -> None:
    body = main_text(outputs)
    node.process_data = {"request": _request(node)}
    node.outputs = {
        "status_code": 200,
        "body": body,
        "headers": {
            "server": "dify-standin",
            "date": "Thu, 01 Jan 2026 00:00:00 GMT",
            "content-type": "application/json",
            "content-length": str(len(body.encode())),
        },
        "files": [],
    }


def _request(node: NodeRun) -> str:
    return f"GET /{node.node.id} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _llm(run: Run, node: NodeRun, outputs: dict[str, Any]) -> None:
    used = usage(node)
    prompts = [
        {"role": "system", "text": node.node.title, "files": []},
        {"role": "user", "text": main_text(run.inputs), "files": []},
    ]
    node.inputs = dict(_MODEL)
    node.process_data = {"model_mode": "chat", "prompts": prompts, "usage": used, "finish_reason": "stop", **_MODEL}
    node.outputs = {"text": main_text(outputs), "reasoning_content": "", "usage": used, "finish_reason": "stop"}
    node.metadata = {"total_tokens": used["total_tokens"], "total_price": used["total_price"], "currency": "USD"}


def _if_else(run: Run, node: NodeRun) -> None:
    value = main_text(run.inputs)
    condition = {
        "variable_selector": ["start", next(iter(run.inputs), "query")],
        "comparison_operator": "contains",
        "value": value,
        "sub_variable_condition": None,
    }
    group = {"case_id": "true", "logical_operator": "and", "conditions": [condition]}
    node.inputs = {"conditions": [{"actual_value": value, "expected_value": value, "comparison_operator": "contains"}]}
    node.process_data = {"condition_results": [{"group": group, "results": [True], "final_result": True}]}
    node.outputs = {"result": True, "selected_case_id": "true"}


def _money(amount: Decimal) -> str:
    return format(amount.normalize(), "f") if amount else "0"
