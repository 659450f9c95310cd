"""What a run cost: added up from its nodes, or as the answer's end tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradefree.dify.models import StreamEvent, decimal_of, mapping_of, whole_of


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens and money; None where Dify did not say."""

    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    price: Decimal | None = None
    currency: str | None = None


class Meter:
    """Adds up the ``node_finished`` events of one run; the end of a message has the sum of an answer.

    Dify 1.14.2: ``execution_metadata`` has total tokens, price and currency; the split into prompt and completion is
    in ``process_data.usage`` or ``outputs.usage`` of the node that called the model. (The End node may repeat that
    usage among its outputs, so only nodes with their own ``execution_metadata.total_tokens`` count.)
    A node that is told twice (replayed, then live) counts once.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._counts: dict[str, int] = {}
        self._prices: dict[str, Decimal] = {}

    def add(self, event: StreamEvent) -> None:
        """Take note of an event; all but ``node_finished`` and ``message_end`` are ignored."""
        if event.event == "message_end":
            self._take_whole(mapping_of(mapping_of(event.fields.get("metadata")).get("usage")))
        if event.event != "node_finished":
            return
        data = event.data
        metadata = data.get("execution_metadata")
        execution = str(data.get("id"))
        if not isinstance(metadata, dict) or execution in self._seen or not self._count("total_tokens", metadata):
            return
        self._seen.add(execution)
        usage = _usage(data)
        self._count("prompt_tokens", usage)
        self._count("completion_tokens", usage)
        price = decimal_of(metadata.get("total_price"))
        if price is not None:
            currency = str(metadata.get("currency") or "")
            self._prices[currency] = self._prices.get(currency, Decimal(0)) + price

    def cost(self, total_tokens: int | None = None) -> Cost:
        """The sum so far. ``total_tokens`` is the run's own count, which wins where it is larger.

        Prices in different currencies do not add up: then there is none.
        """
        currency, price = next(iter(self._prices.items())) if len(self._prices) == 1 else (None, None)
        counted = self._counts.get("total_tokens")
        told = [count for count in (total_tokens, counted) if count is not None]
        return Cost(
            total_tokens=max(told) if told else None,
            prompt_tokens=self._counts.get("prompt_tokens"),
            completion_tokens=self._counts.get("completion_tokens"),
            price=price,
            currency=currency or None,
        )

    def _take_whole(self, usage: Mapping[str, Any]) -> None:
        """What an answer cost as a whole, its nodes included. Zeros say nothing: so ends a stopped answer."""
        if not whole_of(usage.get("total_tokens")):
            return
        self._counts.clear()
        for name in ("total_tokens", "prompt_tokens", "completion_tokens"):
            self._count(name, usage)
        if (price := decimal_of(usage.get("total_price"))) is not None:
            self._prices = {str(usage.get("currency") or ""): price}

    def _count(self, name: str, fields: Mapping[str, Any]) -> bool:
        value = fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        self._counts[name] = self._counts.get(name, 0) + value
        return True


def _usage(data: Mapping[str, Any]) -> Mapping[str, Any]:
    for place in ("process_data", "outputs"):
        holder = data.get(place)
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            return usage
    return {}
