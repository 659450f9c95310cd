"""``answer``: what a person says to a task that waits for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradefree.cli import render
from tradefree.cli.inputs import parse
from tradefree.cli.options import ApiKey, AsJson, TaskId, Url
from tradefree.cli.session import call
from tradefree.cli.words import clean

if TYPE_CHECKING:
    from tradefree.cli.client import Client

Document = dict[str, Any]


def answer(
    task_id: TaskId,
    action: Annotated[str | None, typer.Option("--action", "-a", help="One of the actions of the form.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="A field of the form; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Answer a task that waits for a person. On a terminal, what is not given is asked for.

    \b
    tradefree answer 019bdf3c-5a6e --action approve --input comment="fine by me"
    """
    given = dict(_pair(text) for text in inputs or [])

    async def look(client: Client) -> Document:
        from tradefree.cli.resolve import resolve

        task: Document = await client.get(f"/tasks/{await resolve(client, task_id)}")
        return task

    task = call(url, api_key, look)
    question = task.get("question")
    form: Document | None = question if question and question["answer"] is None else None
    if action is None:
        if form is None or not (sys.stdin.isatty() and render.on_terminal()):
            raise typer.BadParameter(f"give --action{_choices(form) if form else ''}")
        action = _ask(form, given)
    body: Document = {"action": action, "inputs": given}
    if form is not None:
        body |= {"inputs": _values(form, given), "question_id": form["id"]}
    done = call(url, api_key, lambda client: client.post(f"/tasks/{task['id']}/answers", body))
    if as_json:
        render.document(done)
    else:
        render.table([("id", "text"), ("status", "status")], [[done["id"], done["status"]]])


def show_question(question: Document, answer_by: str | None) -> None:
    """The form, for a person at a terminal."""
    out = render.console()
    out.print()
    out.print(clean(question["title"]), style="bold magenta")
    if question["content"]:
        out.print(clean(question["content"], keep="\n"))
    render.details(
        [
            *((f"field {f['name']}", "text", _hint(f)) for f in question["fields"]),
            *((f"action {a['id']}", "text", a["title"] or a["id"]) for a in question["actions"]),
            ("answer by", "moment", answer_by),
            ("answered", "text", (question["answer"] or {}).get("action")),
        ]
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"--input {text!r}: should be NAME=VALUE")
    return name, value


def _values(question: Document, given: dict[str, str]) -> Document:
    kinds = {field["name"]: field["kind"] for field in question["fields"]}
    return {
        name: parse(value.encode(), f"--input {name}") if kinds.get(name) == "json" else value
        for name, value in given.items()
    }


def _ask(question: Document, given: dict[str, str]) -> str:
    show_question(question, None)
    action = str(typer.prompt("action", type=str))
    for field in question["fields"]:
        if field["name"] not in given and field["kind"] == "text":
            given[field["name"]] = typer.prompt(field["name"], default=field["default"] or "")
    return str(action)


def _choices(question: Document) -> str:
    return ": " + ", ".join(action["id"] for action in question["actions"])


def _hint(field: Document) -> str:
    default = "" if field["default"] is None else f", default {field['default']!r}"
    return f"{field['kind']}{default}"
