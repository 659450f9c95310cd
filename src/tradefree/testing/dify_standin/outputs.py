"""What a workflow gives back: templates over the inputs, a small translation, a keyword classifier.

A text `"{field}"` is the input itself with its type; other texts are format templates; a mapping may be
`{translate: field}`, `{classify: field, keywords: {label: [words]}, otherwise: label}` or `{usage_of: node id}`;
everything else is taken as it is.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

_ONE_FIELD = re.compile(r"^\{([A-Za-z_]\w*)\}$")

PHRASES = {
    "不锈钢": "stainless steel",
    "保温杯": "vacuum flask",
    "蓝牙耳机": "Bluetooth earphones",
    "无线": "wireless",
    "充电宝": "power bank",
    "手机壳": "phone case",
    "连衣裙": "dress",
    "夏季": "summer",
    "女士": "women's",
    "男士": "men's",
    "儿童": "children's",
    "真皮": "genuine leather",
    "钱包": "wallet",
    "便携": "portable",
    "防水": "waterproof",
    "户外": "outdoor",
    "露营": "camping",
    "折叠": "folding",
    "帐篷": "tent",
    "椅子": "chair",
    "厨房": "kitchen",
    "刀具": "knife",
    "套装": "set",
    "大容量": "large capacity",
    "毫升": "ml",
    "新款": "new model",
    "包邮": "free shipping",
    "批发": "wholesale",
    "现货": "in stock",
}
"""Chinese listing words and what they are in English."""


class _Lenient(string.Formatter):
    """Missing and null inputs print as nothing."""

    def get_value(self, key: int | str, _args: Any, kwargs: Mapping[str, Any]) -> Any:
        value = kwargs.get(str(key))
        return "" if value is None else value


_FORMATTER = _Lenient()


def render(expression: Any, inputs: Mapping[str, Any], usages: Mapping[str, Any] | None = None) -> Any:
    """The value of one output expression. `usages` maps node ids to the usage of their model call."""
    if isinstance(expression, str):
        return render_text(expression, inputs)
    if isinstance(expression, list):
        return [render(item, inputs, usages) for item in expression]
    if not isinstance(expression, dict):
        return expression
    if "translate" in expression:
        return translate(str(inputs.get(expression["translate"]) or ""), expression.get("phrases") or {})
    if "classify" in expression:
        return classify(str(inputs.get(expression["classify"]) or ""), expression)
    if "usage_of" in expression:
        return (usages or {}).get(expression["usage_of"])
    return {name: render(item, inputs, usages) for name, item in expression.items()}


def render_text(template: str, inputs: Mapping[str, Any]) -> Any:
    """`"{n}"` is the input n itself, whatever its type; any other template gives text."""
    single = _ONE_FIELD.match(template)
    return inputs.get(single[1]) if single else _FORMATTER.vformat(template, (), inputs)


def render_seconds(value: float | str, inputs: Mapping[str, Any]) -> float:
    """A length of time; what is not a number counts as 0."""
    if isinstance(value, str):
        value = render_text(value, inputs) or 0
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 0.0


def translate(text: str, phrases: Mapping[str, str]) -> str:
    """Word by word, longest first; unknown words stay."""
    known = {**PHRASES, **phrases}
    for word in sorted(known, key=len, reverse=True):
        text = text.replace(word, f" {known[word]} ")
    text = " ".join(text.replace("，", ", ").replace("。", ". ").split())
    return text[:1].upper() + text[1:]


def classify(text: str, expression: Mapping[str, Any]) -> str:
    """The first label one of whose words occurs in the text, ignoring case."""
    lowered = text.lower()
    for label, words in (expression.get("keywords") or {}).items():
        if any(str(word).lower() in lowered for word in words):
            return str(label)
    return str(expression.get("otherwise", "other"))
