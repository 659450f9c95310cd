"""``limits``, ``pause``, ``resume``, ``drain``, ``audit``: what holds, changed while the system runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from tradefree.cli import render, words
from tradefree.cli.exits import note
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call

if TYPE_CHECKING:
    from tradefree.cli.client import Client

Document = dict[str, Any]

LIMITS: render.Columns = (
    ("scope", "text"),
    ("state", "status"),
    ("in flight", "text"),
    ("waiting", "number"),
    ("starts", "text"),
    ("may wait", "text"),
    ("changed", "text"),
)
TRAIL: render.Columns = (
    ("when", "moment"),
    ("who", "text"),
    ("did", "text"),
    ("to", "text"),
    ("what", "text"),
)
LOOK_EVERY = 0.5
"""Seconds between looks at a scope that is drained."""

ScopeName = Annotated[
    str,
    typer.Argument(
        metavar="SCOPE",
        help="everything, queue:NAME, connection:NAME, type:NAME, lane:TYPE/KEY or limit:NAME.",
        show_default=False,
    ),
]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 2h. Left out: until changed.")]
Reason = Annotated[str, typer.Option("--reason", help="Shown to whoever asks why a task waits.")]


def limits(
    scope: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCOPE]",
            help="everything, queue:NAME, connection:NAME, type:NAME, lane:TYPE/KEY or limit:NAME; left out: all.",
            show_default=False,
        ),
    ] = None,
    max_running: Annotated[str | None, typer.Option(help="In flight at once; `none` lifts the cap.")] = None,
    rate: Annotated[str | None, typer.Option(help="Starts per period, 60/m; `none` lifts it.")] = None,
    burst: Annotated[int | None, typer.Option(min=1, help="Starts that may come at once after a pause.")] = None,
    max_pending: Annotated[str | None, typer.Option(help="Tasks that may wait; `none` lifts it.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Back to what is defined.")] = False,
    lasts: For = None,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Show limits, or change one while the system runs.

    \b
    tradefree limits
    tradefree limits connection:support-bot --max-running 5 --for 2h --reason "the model is slow"
    tradefree limits connection:support-bot --reset
    """
    values = _values(max_running, rate, burst, max_pending)
    if (values or reset) and scope is None:
        raise typer.BadParameter("say which scope to change")
    if values and reset:
        raise typer.BadParameter("give either --reset or new values, not both")
    found = call(url, api_key, lambda client: _asked(client, scope, values, _more(lasts, reason), reset=reset))
    if as_json:
        render.document(found[0] if scope is not None else {"items": found})
        return
    render.table(LIMITS, [_row(item) for item in found])
    if scope is not None and render.on_terminal():
        _tell(found[0])


async def _asked(client: Client, scope: str | None, values: Document, more: Document, *, reset: bool) -> list[Document]:
    if scope is None:
        listed: list[Document] = (await client.get("/limits"))["items"]
        return listed
    if reset:
        return [await client.delete(_path(scope))]
    if values:
        return [await client.patch(_path(scope), {**values, **more})]
    return [await client.get(_path(scope))]


def _values(max_running: str | None, rate: str | None, burst: int | None, max_pending: str | None) -> Document:
    """The caps that were given, as the service takes them."""
    given = {
        "max_running": _number(max_running, "--max-running"),
        "rate": None if rate == "none" else rate,
        "burst": burst,
        "max_pending": _number(max_pending, "--max-pending"),
    }
    options = {"max_running": max_running, "rate": rate, "burst": burst, "max_pending": max_pending}
    return {name: value for name, value in given.items() if options[name] is not None}


def pause(
    scope: ScopeName,
    lasts: For = None,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Let nothing of a scope start. What runs goes on; what was admitted and has not begun goes back in line.

    \b
    tradefree pause connection:support-bot --for 30m --reason "Dify is being upgraded"
    """
    _set(scope, "paused", lasts, reason, as_json=as_json, url=url, api_key=api_key)


def resume(scope: ScopeName, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Let tasks of a scope start again.

    \b
    tradefree resume connection:support-bot
    """
    _set(scope, "open", None, "", as_json=as_json, url=url, api_key=api_key)


def drain(
    scope: ScopeName,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until nothing of it is in flight.")] = False,
    lasts: For = None,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Admit nothing more of a scope and work off what was admitted.

    \b
    tradefree drain connection:support-bot --wait && restart-dify && tradefree resume connection:support-bot
    """

    async def work(client: Client) -> Document:
        body = {"mode": "draining", **_more(lasts, reason)}
        found: Document = await client.put(f"{_path(scope)}/mode", body)
        while wait and found["in_flight"]:
            await asyncio.sleep(LOOK_EVERY)
            found = await client.get(_path(scope))
        return found

    _shown(call(url, api_key, work), as_json=as_json)


def audit(
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]", help="Only what was done to this.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Lines to show.")] = 50,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Show who changed what, newest first.

    \b
    tradefree audit connection:support-bot
    """
    params = [("limit", str(limit)), *([("target", target)] if target else [])]
    page = call(url, api_key, lambda client: client.get("/audit", params))
    if as_json:
        render.document(page)
        return
    rows = [[e["at"], e["actor"], e["action"], e["target"], _what(e["detail"])] for e in page["items"]]
    render.table(TRAIL, rows, empty="Nothing was changed.")


def _set(
    scope: str, mode: str, lasts: str | None, reason: str, *, as_json: bool, url: str | None, api_key: str | None
) -> None:
    body = {"mode": mode, **_more(lasts, reason)}
    _shown(call(url, api_key, lambda client: client.put(f"{_path(scope)}/mode", body)), as_json=as_json)


def _shown(found: Document, *, as_json: bool) -> None:
    if as_json:
        render.document(found)
    else:
        render.table(LIMITS, [_row(found)])


def _row(item: Document) -> list[Any]:
    places = _least(item["max_running"], item["ceiling"]["level"] if item["ceiling"] else None)
    rate = item["rate"] and f"{item['rate']}" + (f" burst {item['burst']}" if item["burst"] > 1 else "")
    return [
        item["label"],
        "down" if item["mode"] == "open" and item["ceiling"] and item["ceiling"]["down"] else item["mode"],
        f"{item['in_flight']} of {places}" if places is not None else str(item["in_flight"]),
        item["waiting"],
        rate,
        item["max_pending"] and str(item["max_pending"]),
        _changed(item["override"]),
    ]


def _tell(item: Document) -> None:
    """What a table has no room for."""
    if item["ceiling"]:
        note(f"Learnt ceiling {item['ceiling']['level']}: {item['ceiling']['reason']}.")
    if item["unaccounted"]:
        note(f"{words.plural(item['unaccounted'], 'place')} held by runs that nobody could account for yet.")
    if item["held_by"]:
        note("Held by " + ", ".join(f"{name} ({number})" for name, number in item["held_by"].items()) + ".")


def _changed(override: Document | None) -> str | None:
    if override is None:
        return None
    ends = override["mode_until"] or override["until"]
    parts = [f"by {override['by']}", f"until {ends[:16].replace('T', ' ')}" if ends else "", override["reason"]]
    return ", ".join(filter(None, parts))


def _what(detail: Document) -> str:
    after = detail.get("after") or {}
    shown = {**after.get("values", {}), **({"mode": after["mode"]} if after.get("mode", "open") != "open" else {})}
    text = ", ".join(f"{name}={'none' if value is None else value}" for name, value in shown.items()) or "as defined"
    return f"{text} ({detail['reason']})" if detail.get("reason") else text


def _least(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _number(text: str | None, option: str) -> int | None:
    if text is None or text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{option} is a number or `none`") from None


def _more(lasts: str | None, reason: str) -> Document:
    return {**({"for": lasts} if lasts else {}), **({"reason": reason} if reason else {})}


def _path(scope: str) -> str:
    return f"/limits/{quote(scope, safe='/:')}"
