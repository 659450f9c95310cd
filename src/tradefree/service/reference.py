"""GET /docs: the OpenAPI document as one plain page. Nothing is loaded from another host and no script runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

STYLE = """
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8885;border-radius:6px}
details{border:1px solid #8885;border-radius:6px;margin:.5rem 0;padding:.5rem .75rem}summary{cursor:pointer}
.m{display:inline-block;min-width:4.5rem;font-weight:600}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-top:1px solid #8883}
"""


def install(app: FastAPI) -> None:
    """Serve the page; it is made at the first request."""
    made: list[str] = []

    async def docs() -> HTMLResponse:
        if not made:
            made.append(page(app.openapi()))
        return HTMLResponse(made[0], headers={"Content-Security-Policy": POLICY})

    app.add_api_route("/docs", docs, include_in_schema=False, methods=["GET"])


def page(document: dict[str, Any]) -> str:
    """The whole page."""
    info = document["info"]
    return "".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>',
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>',
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>{_words(info['description'])}",
            '<p>For generators and other viewers: <a href="/openapi.json">openapi.json</a>.</p>',
            *(part for tag in document["tags"] for part in _tag(document, tag)),
            "<h2>Schemas</h2>",
            *(
                f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>'
                for name, schema in sorted(document["components"]["schemas"].items())
            ),
            "</html>",
        ]
    )


def _tag(document: dict[str, Any], tag: dict[str, str]) -> Iterator[str]:
    yield f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag["name"] in operation["tags"]:
                yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<details id="{name}"><summary><span class="m">{method.upper()}</span> <code>{escape(path)}</code> '
    yield f"{escape(operation['summary'])}</summary>{_words(operation.get('description', ''))}"
    if rows := [_row(p["name"], p["in"], p.get("description", "")) for p in operation.get("parameters", ())]:
        yield _table("Parameters", rows)
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h4>Body: <code>{escape(media_type)}</code> {_reference(body['schema'])}</h4>"
    rows = [
        _row(
            status,
            response["description"],
            " ".join(_reference(c["schema"]) for c in response.get("content", {}).values()),
        )
        for status, response in sorted(operation["responses"].items())
    ]
    yield f"{_table('Answers', rows)}</details>"


def _words(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())


def _table(title: str, rows: list[str]) -> str:
    return f"<h4>{title}</h4><table>{''.join(rows)}</table>"


def _row(name: str, what: str, more: str = "") -> str:
    shown = more if more.startswith("<a ") else escape(more)
    return f"<tr><td><code>{escape(name)}</code><td>{escape(what)}<td>{shown}</tr>"


def _reference(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", schema.get("items", {}).get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
