"""A workflow run: the row that Dify keeps, and what the stand-in needs to play it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tradefree.testing.dify_standin.apps import App, Node, stable_id
from tradefree.testing.dify_standin.behaviour import Behaviour
from tradefree.testing.dify_standin.replies import DifyError, frame
from tradefree.testing.dify_standin.stream import Stream
from tradefree.testing.dify_standin.talk import Talk

if TYPE_CHECKING:
    from tradefree.testing.dify_standin.pause import Form

Mode = Literal["streaming", "blocking"]


@dataclass(slots=True)
class NodeRun:
    """A node as it ran."""

    node: Node
    id: str
    started_at: int
    status: str = "running"
    error: str | None = None
    elapsed: float = 0.0
    finished_at: int | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    process_data: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None


class WorkerLost(Exception):
    """The worker that performed the run died: nothing more is sent and the row stays `running`."""


@dataclass(slots=True, eq=False)
class Run:
    """One run. `status` and the fields after it are the row; a stop may leave them behind for ever, as in Dify."""

    id: str
    task_id: str
    app: App
    user: str
    mode: Mode
    inputs: dict[str, Any]
    behaviour: Behaviour
    """Only the effects that strike this run."""
    scale: float

    visible: bool = False
    """Dify 1.14.2: the row exists from `workflow_started` on, not while the run waits for a slot."""
    status: str = "running"
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    created_at: int = 0
    leg_at: int = 0
    """When it was started or, after a pause, went on: Dify's events tell that, its row the beginning."""
    finished_at: int | None = None
    elapsed: float = 0.0
    tokens: int = 0
    steps: int = 0
    exceptions: int = 0

    nodes: list[NodeRun] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    script: Iterator[float] | None = None
    timer: asyncio.TimerHandle | None = None
    due: float = 0.0
    """Loop time at which the script goes on."""
    began: float = 0.0
    node_ends: float | None = None
    """Loop time at which the node under way ends."""
    stop_asked: bool = False
    aborting: bool = False
    """The engine ends the run after the node under way."""
    over: bool = False
    """Nothing more is sent; the row may still say `running`."""
    failure: DifyError | None = None
    """What a blocking caller gets instead of a result."""
    final: dict[str, Any] | None = None
    """The data of the result as the caller saw it."""
    events: int = 0
    talk: Talk | None = None
    """The message that this run answers; None: a workflow."""
    forms: list[Form] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """What people answered, as `NODE_action` and `NODE_FIELD`."""
    paused: bool = False
    """Nobody works on it until its form is answered."""
    said: str = ""
    """What was said so far."""

    @property
    def speaks(self) -> bool:
        """A chat, agent or completion: no workflow, and it is over when its listener leaves (Dify 1.14.2)."""
        return self.talk is not None and self.app.mode != "advanced-chat"

    @property
    def words(self) -> dict[str, Any]:
        """What templates may name: the inputs and what people answered."""
        return {**self.inputs, **self.answers}

    def sys_inputs(self, *, timestamp: bool) -> dict[str, Any]:
        """The inputs with Dify's own variables; the row's have the timestamp, the first event's do not."""
        if self.talk is not None:
            return self._chatflow_inputs(self.talk)
        own: dict[str, Any] = {"sys.files": [], "sys.user_id": self.user, "sys.app_id": self.app.id}
        if timestamp:
            own["sys.timestamp"] = self.created_at
        return {
            **self.inputs,
            **own,
            "sys.workflow_id": self.app.workflow_id,
            "sys.workflow_run_id": self.id,
        }

    def _chatflow_inputs(self, talk: Talk) -> dict[str, Any]:
        count = len(talk.conversation.messages) if talk.conversation else 1
        return {
            **self.inputs,
            "sys.query": talk.query,
            "sys.files": [],
            "sys.user_id": self.user,
            "sys.dialogue_count": count,
            "sys.app_id": self.app.id,
            "sys.workflow_id": self.app.workflow_id,
            "sys.workflow_run_id": self.id,
        }

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event to everybody who reads. Raises `WorkerLost` when this run's worker is to die here."""
        if self.streams:
            data = frame(event)
            for stream in self.streams:
                stream.send(data)
        self.events += 1
        hang = self.behaviour.silent_hang
        if hang and self.events >= hang.after_events:
            raise WorkerLost

    def ping(self) -> bool:
        """Ping the readers; False when the run is over. Dify 1.14.2: the worker pings while the run is alive."""
        if self.over:
            return False
        if not self.paused:
            for stream in self.streams:
                stream.ping()
        return True

    def age(self) -> float:
        """Told seconds since `workflow_started`."""
        return round((asyncio.get_running_loop().time() - self.began) / self.scale, 6)

    def usages(self) -> dict[str, Any]:
        """Usage of each model call so far, by node id."""
        return {run.node.id: run.outputs["usage"] for run in self.nodes if "usage" in run.outputs}

    def end_user(self) -> dict[str, str]:
        return {"id": self.app.end_user_id(self.user), "user": self.user}

    def log_id(self) -> str:
        return stable_id("log", self.id)


def now() -> int:
    """Unix seconds, as Dify's timestamps."""
    return int(time.time())
