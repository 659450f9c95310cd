"""``cancel`` and ``retry``: some tasks by id, or everything that matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render, words
from tradefree.cli.exits import ExitCode, complain, exit_code_of, note
from tradefree.cli.filters import Filters
from tradefree.cli.inputs import read_input
from tradefree.cli.options import (
    After,
    ApiKey,
    AsJson,
    Before,
    FinishedAfter,
    FinishedBefore,
    KeyFilter,
    LabelFilter,
    Query,
    Statuses,
    TaskIds,
    Types,
    Url,
)
from tradefree.cli.session import call
from tradefree.errors import InvalidInput, NotFound, Refused, ServiceUnavailable

if TYPE_CHECKING:
    from tradefree.cli.client import Client

Everything = Annotated[bool, typer.Option("--all", help="All that match; needed if there is no filter.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count what matches, and say what a retry may cost.")]


def cancel(
    ids: TaskIds = None,
    everything: Everything = False,
    status: Statuses = None,
    type_name: Types = None,
    key: KeyFilter = None,
    label: LabelFilter = None,
    q: Query = None,
    after: After = None,
    before: Before = None,
    finished_after: FinishedAfter = None,
    finished_before: FinishedBefore = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Cancel tasks. One that runs is asked to stop; a result that arrives first is kept.

    \b
    tradefree cancel 019bdf3c-5a6e
    tradefree cancel --all --status pending --type triage-message
    """
    filters = Filters(status, type_name, key, label, q, after, before, finished_after, finished_before)
    if _by_id(ids, filters, everything=everything, dry_run=dry_run):
        _each(url, api_key, ids or [], "cancellation", {}, as_json=as_json)
    else:
        _matching(url, api_key, "cancel", filters, dry_run=dry_run, as_json=as_json)


def retry(
    ids: TaskIds = None,
    everything: Everything = False,
    input_text: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Other input: JSON, @FILE or -; only with ids.")
    ] = None,
    status: Statuses = None,
    type_name: Types = None,
    key: KeyFilter = None,
    label: LabelFilter = None,
    q: Query = None,
    after: After = None,
    before: Before = None,
    finished_after: FinishedAfter = None,
    finished_before: FinishedBefore = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Run tasks again that have ended. With a filter: those that failed or were cancelled, unless --status says other.

    \b
    tradefree retry 019bdf3c-5a6e --input @mended.json
    tradefree retry --type summarize-order --after 2h
    """
    filters = Filters(status, type_name, key, label, q, after, before, finished_after, finished_before)
    if _by_id(ids, filters, everything=everything, dry_run=dry_run):
        body = {} if input_text is None else {"input_data": read_input(input_text)}
        _each(url, api_key, ids or [], "retries", body, as_json=as_json)
    elif input_text is not None:
        raise typer.BadParameter("--input goes with ids only: a filter may match tasks of many kinds")
    else:
        _matching(url, api_key, "retry", filters, dry_run=dry_run, as_json=as_json)


def _by_id(ids: list[str] | None, filters: Filters, *, everything: bool, dry_run: bool) -> bool:
    """True for ids, False for a filter; exactly one must be there."""
    if ids:
        if everything or not filters.empty:
            raise typer.BadParameter("give either ids or filters, not both")
        if dry_run:
            raise typer.BadParameter("--dry-run goes with filters only: of ids it is known how many there are")
        return True
    if filters.empty and not everything:
        raise typer.BadParameter("give ids, or filters, or --all for every task")
    return False


def _each(
    url: str | None, api_key: str | None, ids: list[str], action: str, body: dict[str, Any], *, as_json: bool
) -> None:
    """Act on each id; one that cannot be done does not keep the others from being done."""
    done: list[dict[str, Any]] = []
    codes: list[ExitCode] = []

    async def work(client: Client) -> None:
        from tradefree.cli.resolve import resolve

        for text in ids:
            try:
                whole = await resolve(client, text)
                done.append(await client.post(f"/tasks/{whole}/{action}", body))
            except (InvalidInput, NotFound, Refused) as error:
                complain(Refused(f"{text}: {error}", error.status) if isinstance(error, Refused) else error)
                codes.append(exit_code_of(error))
            except ServiceUnavailable as error:
                complain(error)  # what was done before is still told
                codes.append(exit_code_of(error))
                return

    call(url, api_key, work)
    if as_json:
        render.document({"items": done})
    else:
        render.table(
            [("id", "text"), ("status", "status"), ("cancel asked for", "moment")],
            [[task["id"], task["status"], task["cancel_requested_at"]] for task in done],
            empty="Nothing was done.",
        )
    if codes:
        raise typer.Exit(codes[0])


def _matching(
    url: str | None, api_key: str | None, action: str, filters: Filters, *, dry_run: bool, as_json: bool
) -> None:
    body = {"action": action, "filter": filters.document(), "all": filters.empty}
    if dry_run:
        body["dry_run"] = True
    result = call(url, api_key, lambda client: client.post("/task-actions", body))
    if as_json:
        render.document(result)
        return
    if dry_run:
        _tell(result["matched"], result["estimate"])
        return
    render.table([("matched", "number"), ("changed", "number")], [[result["matched"], result["changed"]]])
    left = result["matched"] - result["changed"]
    if left:
        note(f"{words.plural(left, 'task')} had moved on before it could be done.")


def _tell(matched: int, estimate: dict[str, Any]) -> None:
    """What a dry run found."""
    numbers = sorted(estimate["by_type"].items(), key=lambda item: (-item[1], item[0]))
    render.table([("type", "text"), ("tasks", "number")], [list(item) for item in numbers], empty="Nothing matches.")
    note(
        f"{words.plural(matched, 'task')}{' or more' if estimate['more'] else ''} would be acted on; nothing was done."
    )
    if estimate["tokens"] is not None:
        cost = "".join(f", {price:.2f} {currency}" for currency, price in sorted(estimate["cost"].items()))
        note(f"By what they took lately: about {estimate['tokens']:,} tokens{cost}.")
