"""``hooks``: doors for foreign webhooks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tradefree.cli import render
from tradefree.cli.options import ApiKey, AsJson, Url
from tradefree.cli.session import call, path_of

hooks = typer.Typer(help="See doors for foreign webhooks, and what came to them.", no_args_is_help=True)

Document = dict[str, Any]

LIST: render.Columns = (
    ("name", "text"),
    ("state", "status"),
    ("preset", "text"),
    ("path", "text"),
    ("accepted", "number"),
    ("repeated", "number"),
    ("refused", "number"),
    ("last accepted", "moment"),
)
COUNTS: render.Columns = (("outcome", "status"), ("number", "number"), ("last", "moment"))
GOOD = ("accepted", "repeated")
"""What became of messages that were theirs and whole."""

HookName = Annotated[str, typer.Argument(metavar="NAME", help="The hook's name.", show_default=False)]


@hooks.command("list")
def list_hooks(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the hooks, with what became of the messages that came."""
    found = call(url, api_key, lambda client: client.get("/hooks"))
    if as_json:
        render.document(found)
        return
    render.table(LIST, [_row(hook) for hook in found["items"]], empty="No hook is defined; see `tradefree apply`.")


@hooks.command()
def show(name: HookName, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Show one hook, and each end that its messages came to.

    \b
    tradefree hooks show shop
    """
    found = call(url, api_key, lambda client: client.get(path_of("hooks", name)))
    if as_json:
        render.document(found)
        return
    render.details(
        [
            ("name", "text", found["name"]),
            ("state", "status", _state(found)),
            ("preset", "text", found["preset"]),
            ("path", "text", found["path"]),
            ("secrets", "number", found["secrets_set"]),
            ("description", "text", found["description"]),
        ]
    )
    counted = [[outcome, c["number"], c["last_at"]] for outcome, c in sorted(found["received"].items())]
    render.table(COUNTS, counted, empty="No message has come yet.")


@hooks.command()
def delete(name: HookName, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Delete a hook: its messages are answered 404 from then on."""
    call(url, api_key, lambda client: client.delete(path_of("hooks", name)))
    if as_json:
        render.document({"name": name, "deleted": True})


def _state(hook: Document) -> str:
    return "active" if hook["enabled"] else "disabled"


def _row(hook: Document) -> list[Any]:
    counted = {outcome: c["number"] for outcome, c in hook["received"].items()}
    accepted = hook["received"].get("accepted")
    return [
        hook["name"],
        _state(hook),
        hook["preset"],
        hook["path"],
        counted.get("accepted", 0),
        counted.get("repeated", 0),
        sum(number for outcome, number in counted.items() if outcome not in GOOD),
        accepted and accepted["last_at"],
    ]
