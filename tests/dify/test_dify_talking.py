"""The runners ``dify.chat`` and ``dify.completion`` against what a real Dify 1.14.2 said."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from dify.dify_replay import Cut, Reply, Seen, exchanges, said, stream
from dify.dify_runs import FakeRun, Stage, a_stage, completed
from tradefree.dify.runner import ChatRunner, CompletionRunner, DifyRunner
from tradefree.dify.verdict import RunFailed
from tradefree.errors import Failed, InvalidInput, OutcomeUnknown
from tradefree.tasks.outcome import Completed
from tradefree.tasks.task import Usage
from tradefree.tasks.types import TaskType

YES = said({"result": "success"})
CHAT, COMPLETION = "/chat-messages", "/completion-messages"
NONE = said({"limit": 1, "has_more": False, "data": []})
ASKED = {"query": "stream me", "tone": "nice"}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


async def done(
    stage: Stage, reply: Reply, kind: type[DifyRunner] = ChatRunner, **fields: Any
) -> tuple[FakeRun, Completed]:
    stage.dify.on("POST", CHAT if kind is ChatRunner else COMPLETION, reply)
    run = stage.a_run(**{"input_data": ASKED, **fields})
    return run, await completed(stage.runner(kind), run)


async def refused(stage: Stage, reply: Reply, kind: type[DifyRunner] = ChatRunner, **fields: Any) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        await done(stage, reply, kind, **fields)
    return caught.value


async def test_a_chatflow_answers_with_its_workflow(stage: Stage) -> None:
    run, result = await done(stage, exchanges("15-")[0].reply(asyncio.Event()))

    assert result.output == {
        "answer": "You said: stream me (conv 05ead33f-49c6-4b2b-af13-77b2c650501a)",
        "files": [],
        "conversation_id": "05ead33f-49c6-4b2b-af13-77b2c650501a",
        "message_id": "c1de0b69-7f6e-42a6-86e1-7404ffb89689",
    }
    assert stage.dify.asked("POST", CHAT)[0].json == {
        "inputs": {"tone": "nice"},
        "query": "stream me",
        "response_mode": "streaming",
        "user": "tf-T-1",
        "auto_generate_name": False,
    }
    assert run.saved[0]["run_id"] == "30579dfb-cc58-40e2-8032-918f2ba5eb04"
    assert "".join(run.texts) == result.output["answer"]


async def test_a_chatflow_with_a_model_is_charged_once(stage: Stage) -> None:
    _, result = await done(stage, exchanges("44")[1].reply())

    assert result.usage == Usage(34, 30, 4, Decimal("0.0000069"), "USD", 0.130479)


async def test_a_chat_ends_with_its_message(stage: Stage) -> None:
    run, result = await done(stage, exchanges("42")[1].reply(asyncio.Event()))

    assert isinstance(result.output, dict)
    assert result.output["answer"] == "Echo: hello there friend"
    assert (result.usage.total_tokens, result.usage.price) == (20, Decimal("0.0000048"))
    assert run.saved[0]["message_id"] == "85ed5553-c73d-4c57-b3ff-af11a0523476"
    assert "Dify message 85ed5553-c73d-4c57-b3ff-af11a0523476 started." in run.said


async def test_a_completion_has_no_conversation(stage: Stage) -> None:
    _, result = await done(stage, exchanges("41")[1].reply(), CompletionRunner, input_data={"query": "hello"})

    assert result.output == {"answer": "Echo: hello there friend", "message_id": "c18c3b2a-4e85-44e7-97b7-e9b37d365318"}
    assert stage.dify.asked("POST", COMPLETION)[0].json == {
        "inputs": {"query": "hello"},
        "query": "",
        "response_mode": "streaming",
        "user": "tf-T-1",
    }


@pytest.mark.parametrize(("name", "kind"), [("56", CompletionRunner), ("15b", ChatRunner)])
async def test_slow_answers_are_waited_for(stage: Stage, name: str, kind: type[DifyRunner]) -> None:
    _, result = await done(stage, exchanges(name)[0].reply(), kind)

    assert isinstance(result.output, dict)
    assert result.output["answer"]


async def test_a_failed_chatflow_is_a_failure(stage: Stage) -> None:
    no = await refused(stage, exchanges("16")[1].reply())

    assert (no.code, no.retryable) == ("dify_run_failed", True)
    assert "Connection refused" in str(no)


@pytest.mark.parametrize("name", ["45-llm-upstream-RateLimit", "45-llm-upstream-Connection"])
async def test_an_error_of_the_model_is_tried_again(stage: Stage, name: str) -> None:
    no = await refused(stage, exchanges(name)[1].reply(), CompletionRunner)

    assert (no.code, no.retryable) == ("dify_run_failed", True)


async def test_the_wrong_kind_of_app_is_a_failure_for_good_with_advice(stage: Stage) -> None:
    no = await refused(stage, exchanges("11")[1].reply())

    assert (no.code, no.retryable) == ("dify_rejected", False)
    assert "use the runner for its mode" in str(no)


@pytest.mark.parametrize("asked", [{}, {"query": " "}, {"query": 5}])
async def test_without_a_question_nothing_is_asked(stage: Stage, asked: dict[str, Any]) -> None:
    run = stage.a_run(input_data=asked)
    with pytest.raises(Failed, match="`query` is") as caught:
        await stage.runner(ChatRunner).run(run)
    assert (caught.value.code, caught.value.retryable, stage.dify.seen) == ("bad_input", False, [])


async def test_agents_moderation_and_files_are_told(stage: Stage) -> None:
    ids = {"conversation_id": "c", "message_id": "m", "task_id": "t"}
    thought = {"id": "th", "thought": "", "tool": "weather", "tool_input": "{}"}
    run, result = await done(
        stage,
        stream(
            event("agent_thought", **ids, **thought),
            event("agent_thought", **ids, **thought, observation="rain"),
            event("agent_thought", **ids, id="t2", thought="so: rain"),
            event("agent_message", **ids, answer="It rai"),
            event("message_file", **ids, id="f", type="image", url="http://x/y"),
            event("message_replace", **ids, answer="No."),
            event("agent_log", **ids, data={"id": "l", "label": "Call", "status": "error", "error": "no net"}),
            event("agent_log", **ids, data={"id": "k", "label": "Plan", "status": "success", "data": {"n": 1}}),
            event("agent_log", **ids, data={"id": "j", "label": "Plan", "status": "start"}),
            event("message_end", **ids, metadata={"retriever_resources": [{"id": 1}], "usage": {}}),
            event("tts_message", **ids, audio="eA=="),
        ),
    )

    assert result.output == {
        "answer": "No.",
        "conversation_id": "c",
        "message_id": "m",
        "files": [{"id": "f", "type": "image", "url": "http://x/y"}],
        "retriever_resources": [{"id": 1}],
    }
    assert run.texts == ["No."]
    tool = next(line for line in run.lines if line.event == "dify.agent.tool")
    assert tool.data["payload"] == {"tool_input": "{}", "observation": "rain"}
    assert [line.message for line in run.lines if line.event.startswith("dify.agent")] == [
        "The agent used weather.",
        "The agent had a thought.",
        "Call failed: no net",
        "Plan: success.",
    ]


async def test_many_words_are_shown_in_few_pieces(stage: Stage) -> None:
    ids = {"message_id": "m", "task_id": "t"}
    words = [event("message", **ids, answer=f"w{number} ") for number in range(300)]
    run, result = await done(stage, stream(b"".join(words), event("message_end", **ids)), CompletionRunner)

    assert isinstance(result.output, dict)
    assert "".join(run.texts) == result.output["answer"]
    assert len(run.texts) < 20


def event(name: str, **fields: Any) -> bytes:
    return b"data: " + json.dumps({"event": name, **fields}).encode() + b"\n\n"


# ── stopping ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "name", "path"), [(ChatRunner, "19-", CHAT), (CompletionRunner, "49", COMPLETION)])
async def test_a_stopped_answer_is_a_cancel(stage: Stage, kind: type[DifyRunner], name: str, path: str) -> None:
    """A stopped completion ends like any other, but nothing was counted for it."""
    body = exchanges(name)[0].body.rstrip()
    at = body.rindex(b"\n\n") + 2
    gate = asyncio.Event()

    def on_stop(_: Seen) -> Reply:
        gate.set()
        return YES

    stage.dify.on("POST", f"{path}/*/stop", on_stop)
    stage.dify.on("POST", path, stream(body[:at], gate, body[at:] + b"\n\n"))
    runner, run = stage.runner(kind), stage.a_run(input_data=ASKED)
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.started")
    run.cancelled = True

    assert await runner.stop(run)
    with pytest.raises(RunFailed) as caught:
        await running
    assert caught.value.code == "stopped"


async def test_an_answer_that_came_whole_before_the_stop_is_kept(stage: Stage) -> None:
    _, result = await done(stage, exchanges("42")[1].reply(), cancelled=False)
    assert isinstance(result.output, dict)
    run = stage.a_run(input_data=ASKED)
    gate = asyncio.Event()
    stage.dify.on("POST", f"{CHAT}/*/stop", YES)
    body = exchanges("42")[1].body.rstrip()
    at = body.rindex(b"\n\n") + 2
    stage.dify.on("POST", CHAT, stream(body[:at], gate, body[at:] + b"\n\n"))
    running = asyncio.create_task(stage.runner(ChatRunner).run(run))
    await run.until("dify.run.started")
    run.cancelled = True
    gate.set()

    assert (await running).usage.total_tokens == 20


# ── finding again ───────────────────────────────────────────────────────────────────────────────────────────────────

MESSAGE = "07550f58-da49-48ad-b1e2-faaffd988ece"
CONVERSATION = "57dbbf8f-de0f-4866-9730-81878baa112b"
LEFT = {"user": "tf-T-1", "attempt": 1, "message_id": MESSAGE, "conversation_id": CONVERSATION, "task_id": "t"}


async def test_an_answer_that_was_complete_is_taken_over(stage: Stage) -> None:
    stage.dify.on("GET", "/messages", exchanges("57")[4].reply())
    _, result = await done(stage, NONE, attempt=2, state=LEFT)

    assert isinstance(result.output, dict)
    assert result.output["answer"].startswith("w0 w1")
    assert stage.dify.asked("POST", CHAT) == []
    assert stage.dify.asked("GET", "/messages")[0].query["user"] == "tf-T-1"


async def test_a_lost_answer_is_asked_for_again_and_said_to_be_paid_twice(stage: Stage) -> None:
    left = {**LEFT, "message_id": "ad0d3702-4edd-4118-8bd2-8382537a61ab"}
    stage.dify.on("GET", "/messages", exchanges("57")[1].reply())
    run, result = await done(stage, exchanges("42")[1].reply(), attempt=2, state=left)

    assert isinstance(result.output, dict)
    assert result.output["answer"] == "Echo: hello there friend"
    assert "paid for nothing" in run.said
    assert stage.dify.seen[-1].json["user"] == "tf-T-2"


async def test_a_chat_whose_id_nobody_saw_is_found_by_its_user(stage: Stage) -> None:
    stage.dify.on("GET", "/conversations", exchanges("57")[3].reply())
    stage.dify.on("GET", "/messages", exchanges("57")[4].reply())
    stage.dify.on("GET", "/info", said({"name": "a", "mode": "chat"}))
    _, result = await done(stage, NONE, attempt=2, state={"attempt": 1})

    assert isinstance(result.output, dict)
    assert result.output["message_id"] == MESSAGE
    assert stage.dify.asked("GET", "/conversations")[0].query["user"] == "tf-T-1"


async def test_a_chatflow_of_an_earlier_attempt_is_taken_over_by_its_run(stage: Stage) -> None:
    record = exchanges("58")[1].json
    stage.dify.on("GET", "/workflows/run/*", said(record))
    state = {**LEFT, "run_id": record["id"]}
    _, result = await done(stage, NONE, attempt=2, state=state)

    assert isinstance(result.output, dict)
    assert result.output["answer"] == record["outputs"]["answer"]
    assert result.output["conversation_id"] == CONVERSATION


async def test_a_completion_that_was_cut_off_cannot_be_found_and_says_so(stage: Stage) -> None:
    run, _ = await done(stage, exchanges("41")[1].reply(), CompletionRunner, attempt=2, state={"attempt": 1})

    assert "it is paid for twice" in run.said


async def test_a_cut_chat_is_lost_and_tried_again(stage: Stage) -> None:
    head = exchanges("57")[0]
    stage.dify.on("GET", "/messages", exchanges("57")[1].reply())
    no = await refused(stage, head.reply(Cut()))

    assert (no.code, no.retryable) == ("dify_run_lost", True)
    assert "Dify drops an answer whose listener is gone" in str(no)


async def test_a_completion_cut_before_its_first_word_is_unknown(stage: Stage) -> None:
    stage.dify.on("POST", COMPLETION, stream(b": hello\n\n", Cut()))
    with pytest.raises(OutcomeUnknown):
        await stage.runner(CompletionRunner).run(stage.a_run(input_data=ASKED))


async def test_a_cut_chatflow_is_listened_to_again(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", said({**exchanges("58")[1].json, "status": "running"}))
    stage.dify.on("GET", "/workflow/*/events", exchanges("15-")[0].reply())
    _, result = await done(stage, exchanges("57")[5].reply(Cut()))

    assert isinstance(result.output, dict)
    assert result.output["conversation_id"]


@pytest.mark.parametrize(("status", "seen"), [("normal", True), ("", False)])
async def test_a_chat_left_behind_is_stopped(stage: Stage, status: str, seen: bool) -> None:
    answer = exchanges("57")[4].reply() if seen else exchanges("57")[1].reply()
    stage.pace = type(stage.pace)(grace=0.05, poll=0.01, stop_wait=0.05)
    stage.dify.on("POST", f"{CHAT}/*/stop", YES)
    stage.dify.on("GET", "/messages", answer)
    message = MESSAGE if seen else "ad0d3702-4edd-4118-8bd2-8382537a61ab"
    run = stage.a_run(input_data=ASKED, attempt=2, state={**LEFT, "message_id": message})

    assert await stage.runner(ChatRunner).stop(run) is seen
    assert len(stage.dify.asked("POST", f"{CHAT}/*/stop")) == 1


# ── conversations ───────────────────────────────────────────────────────────────────────────────────────────────────

KEPT = {"conversation": "customer"}


async def test_tasks_with_one_key_go_on_with_one_conversation(stage: Stage) -> None:
    known = exchanges("57")[3]
    stage.dify.on("GET", "/conversations", NONE, known.reply(), NONE)
    for customer in ("Li", "Li", 7):
        await done(stage, exchanges("42")[1].reply(), options=KEPT, input_data={**ASKED, "customer": customer})

    first, second, other = (seen.json for seen in stage.dify.asked("POST", CHAT))
    assert "conversation_id" not in first
    assert second["conversation_id"] == CONVERSATION
    assert first["user"] == second["user"] != other["user"]
    assert "Li" not in first["user"]


async def test_an_attempt_in_a_kept_conversation_cannot_be_found_by_its_user(stage: Stage) -> None:
    stage.dify.on("GET", "/conversations", NONE)
    given = {**ASKED, "customer": "Li"}
    run, _ = await done(
        stage, exchanges("42")[1].reply(), options=KEPT, input_data=given, attempt=2, state={"attempt": 1}
    )

    assert "it is paid for twice" in run.said


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_files_are_uploaded_by_the_user_of_the_run(stage: Stage) -> None:
    stage.dify.on("POST", "/files/upload", exchanges("20")[0].reply())
    note = {"file_name": "note.txt", "content_base64": base64.b64encode(b"hello file").decode()}
    given = {**ASKED, "doc": note, "more": [{"file_url": "https://x.example/a.png"}], "plain": {"a": 1}}
    await done(stage, exchanges("42")[1].reply(), input_data=given)

    upload = stage.dify.asked("POST", "/files/upload")[0]
    assert b"hello file" in upload.body
    assert b"tf-T-1" in upload.body
    sent = stage.dify.asked("POST", CHAT)[0].json["inputs"]
    file_id = exchanges("20")[0].json["id"]
    assert sent["doc"] == {"type": "document", "transfer_method": "local_file", "upload_file_id": file_id}
    assert sent["more"] == [{"type": "image", "transfer_method": "remote_url", "url": "https://x.example/a.png"}]
    assert sent["plain"] == {"a": 1}


async def test_a_file_that_is_too_large_is_refused_for_good(stage: Stage) -> None:
    stage.dify.on("POST", "/files/upload", exchanges("21")[0].reply())
    no = await refused(stage, NONE, input_data={**ASKED, "doc": {"file_name": "a", "content_base64": "eA=="}})

    assert (no.code, no.retryable) == ("dify_rejected", False)
    assert "file_too_large" in str(no)
    assert "larger than Dify takes" in str(no)
    assert stage.dify.asked("POST", CHAT) == []


async def test_a_file_that_is_no_base64_names_its_field(stage: Stage) -> None:
    given = {**ASKED, "docs": [{"file_name": "a", "content_base64": "%%"}]}
    with pytest.raises(Failed, match=r"`docs\.0\.content_base64` is not base64"):
        await done(stage, NONE, input_data=given)


def test_wrong_options_are_named(stage: Stage) -> None:
    with pytest.raises(InvalidInput) as caught:
        stage.runner(ChatRunner).check(
            TaskType(name="t", runner="dify.chat", connection="c", options={"conversation": 5})
        )
    assert caught.value.field == "options/conversation"
