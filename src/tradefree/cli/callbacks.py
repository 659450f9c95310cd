"""``callbacks``: subscriptions, what was delivered to them, and the secrets that sign it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.exits import note
from tradefree.cli.options import ApiKey, AsJson, Statuses, Url, label
from tradefree.cli.session import call, path_of

if TYPE_CHECKING:
    from tradefree.cli.client import Client

Document = dict[str, Any]

callbacks = typer.Typer(help="Tell the world what became of tasks: subscriptions and deliveries.", no_args_is_help=True)

LIST: render.Columns = (
    ("name", "text"),
    ("state", "status"),
    ("failures", "number"),
    ("last success", "moment"),
    ("url", "text"),
    ("types", "text"),
    ("statuses", "text"),
    ("labels", "text"),
    ("why", "text"),
)
DELIVERIES: render.Columns = (
    ("id", "text"),
    ("status", "status"),
    ("tries", "number"),
    ("to", "text"),
    ("event", "text"),
    ("task", "text"),
    ("created", "moment"),
    ("next", "moment"),
    ("error", "text"),
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A subscription's name.", show_default=False)]
Keep = Annotated[str, typer.Option("--keep", metavar="TIME", help="How long the present secret signs, too: 24h, 0s.")]


@callbacks.command("list")
def list_subscriptions(as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """List the subscriptions, and how deliveries to them go."""
    found = call(url, api_key, lambda client: client.get("/subscriptions"))
    if as_json:
        render.document(found)
    else:
        empty = "No subscription; make one: tradefree callbacks add"
        render.table(LIST, [_row(item) for item in found["items"]], empty=empty)


@callbacks.command()
def add(
    name: Name,
    to: Annotated[str, typer.Argument(metavar="URL", help="Where to post to: http or https.", show_default=False)],
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only of this type, `*` at the end allowed; may be repeated.")
    ] = None,
    statuses: Annotated[
        list[str] | None,
        typer.Option("--status", help="completed, failed, cancelled or awaiting_input; may be repeated."),
    ] = None,
    labels: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Only with this label; may be repeated.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Define a subscription, or replace it. The secret of a new one is printed, once.

    \b
    tradefree callbacks add shop https://shop.example.com/hooks --type 'summarize-*' --status completed --label shop=de
    """
    body = {
        "url": to,
        "description": description,
        "task_types": types or [],
        "statuses": statuses or [],
        "labels": dict(label(text).split("=", 1) for text in labels or ()),
    }
    found = call(url, api_key, lambda client: client.put(path_of("subscriptions", name), body))
    if as_json:
        render.document(found)
        return
    render.details([("name", "text", found["name"]), ("secret", "text", found["secret"])])
    if found["secret"]:
        note("Give the secret to the receiver: it is never shown again.")


@callbacks.command()
def delete(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Delete a subscription. Deliveries to it that still wait fail."""
    call(url, api_key, lambda client: client.delete(path_of("subscriptions", name)))
    if as_json:
        render.document({"name": name, "deleted": True})
    else:
        render.details([("deleted", "text", name)])


@callbacks.command()
def pause(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Shown to whoever asks why a delivery waits.")] = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Send nothing more to a subscription. What is to be told waits, for 30 days at most."""
    body = {"reason": reason}
    _changed(
        call(url, api_key, lambda client: client.put(path_of("subscriptions", name, "pause"), body)), as_json=as_json
    )


@callbacks.command()
def resume(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Send to a subscription again, at once all that has waited."""
    _changed(call(url, api_key, lambda client: client.delete(path_of("subscriptions", name, "pause"))), as_json=as_json)


@callbacks.command("test")
def send_test(name: Name, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Send a test event to a subscription. `tradefree logs -f` with its id tells how it goes."""
    found = call(url, api_key, lambda client: client.post(path_of("subscriptions", name, "tests"), {}))
    if as_json:
        render.document(found)
    else:
        render.table(DELIVERIES, [delivery(found)])


@callbacks.command()
def rotate(name: Name, keep: Keep = "24h", as_json: AsJson = False, url: Url = None, api_key: ApiKey = None) -> None:
    """Make a new secret for a subscription and print it, once. Until the old one ends, both sign."""
    body = {"keep": keep}
    _secret(
        call(url, api_key, lambda client: client.post(path_of("subscriptions", name, "secrets"), body)),
        as_json=as_json,
    )


@callbacks.command()
def secret(
    rotated: Annotated[bool, typer.Option("--rotate", help="Make a new one.")] = False,
    keep: Keep = "24h",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Print the secret that signs what is sent to tasks' own callback_url. Needs the scope admin."""

    async def work(client: Client) -> Document:
        path = "/callback-secret"
        found: Document = await (client.post(path, {"keep": keep}) if rotated else client.get(path))
        return found

    _secret(call(url, api_key, work), as_json=as_json)


@callbacks.command()
def deliveries(
    subscription: Annotated[str | None, typer.Option(help="Only for this subscription.")] = None,
    task: Annotated[str | None, typer.Option(metavar="ID", help="Only those that tell of this task.")] = None,
    status: Statuses = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Deliveries to show.")] = 50,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Find deliveries, newest first. `tradefree show`, `logs`, `cancel` and `retry` take their ids.

    \b
    tradefree callbacks deliveries --subscription shop --status failed
    tradefree retry --type tradefree.callback --label subscription=shop
    """

    async def work(client: Client) -> Document:
        from tradefree.cli.resolve import resolve

        params = [("limit", str(limit)), *(("status", state.value) for state in status or ())]
        if subscription is not None:
            params.append(("subscription", subscription))
        if task is not None:
            params.append(("task", await resolve(client, task)))
        found: Document = await client.get("/deliveries", params)
        return found

    page = call(url, api_key, work)
    if as_json:
        render.document(page)
    else:
        render.table(DELIVERIES, [delivery(item) for item in page["items"]], empty="Nothing was told.")


def delivery(item: Document) -> list[Any]:
    """A delivery as a row of ``DELIVERIES``."""
    return [
        item["id"],
        item["status"],
        item["attempt_count"],
        item["subscription"] or item["host"],
        item["event"],
        item["task_id"],
        item["created_at"],
        item["next_attempt_at"],
        item["error_message"],
    ]


def _row(item: Document) -> list[Any]:
    paused = item["paused"]
    return [
        item["name"],
        "paused" if paused else "open",
        item["failures"],
        item["last_success_at"],
        item["url"],
        ", ".join(item["task_types"]),
        ", ".join(item["statuses"]),
        words.labels(item["labels"]),
        f"by {paused['by']}: {paused['reason']}" if paused else item["last_error"] if item["failures"] else None,
    ]


def _changed(item: Document, *, as_json: bool) -> None:
    if as_json:
        render.document(item)
    else:
        render.table(LIST, [_row(item)])


def _secret(found: Document, *, as_json: bool) -> None:
    if as_json:
        render.document(found)
        return
    until = found["old_secret_until"]
    render.details([("secret", "text", found["secret"]), ("old one until", "moment", until)])
