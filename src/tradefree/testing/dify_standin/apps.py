"""The apps that the stand-in serves, and the file that describes them."""

from __future__ import annotations

import uuid
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tradefree.testing.dify_standin.behaviour import Behaviour, Rule
from tradefree.testing.dify_standin.person import PersonForm

DEMO_APPS = Path(__file__).with_name("demo_apps.yaml")
"""Three apps of a trading company: order summary, listing translation, message triage."""

_NAMESPACE = uuid.UUID("6a3c9f8e-4a52-4a0e-9a3e-6f6d1d6a1b00")

TASK_PATTERN = r"^tf-(?P<task>.+)-(?P<attempt>\d+)$"
"""Users as this package makes them: `tf-<task id>-<attempt>`."""

FieldType = Literal["text-input", "paragraph", "select", "number", "checkbox", "json_object", "file", "file-list"]


def stable_id(*parts: str) -> str:
    """A UUID that is the same at every start for the same parts, so that clients may keep it."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


class InputField(BaseModel):
    """A variable of the app's input form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: FieldType = "paragraph"
    required: bool = False
    max_length: int | None = None
    options: list[str] = []
    default: Any = None
    label: str | None = None


class Node(BaseModel):
    """A step of the workflow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    type: str = "llm"
    """Dify's node type; `start`, `end`, `llm`, `http-request`, `if-else`, `human-input` show Dify's own inner data."""
    title: str
    seconds: float | str = 0.0
    """How long it works; text is a template over the inputs, such as `"{seconds}"`."""
    tokens: int = 0
    price: str | None = None
    """Decimal text in USD; None: computed from the tokens."""
    form: PersonForm | None = None
    """What a `human-input` node asks; the run pauses there. None: to approve, and nothing else."""


class App(BaseModel):
    """A Dify app behind one key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    key: str
    mode: Literal["workflow", "chat", "advanced-chat", "agent-chat", "completion"] = "workflow"
    description: str = ""
    author: str = "standin"
    inputs: list[Annotated[InputField, BeforeValidator(lambda value: _field(value))]] = []
    nodes: list[Node]
    answer: str = "Echo: {query}"
    """What a chat, chatflow, agent or completion app answers: a template over inputs, query and conversation_id."""
    outputs: dict[str, Any] | None = None
    """What the end node gives (see `outputs.py`); None: the inputs."""
    text_at: str | None = None
    """Node whose end streams the outputs as `text_chunk`; None: the last one that works."""
    behaviour: Behaviour = Behaviour()
    rules: list[Rule] = []
    """Later rules win over earlier ones, and an input field `standin` wins over all."""
    published: bool = True
    enabled: bool = True
    """False: HTTP 403, the app's API service has been disabled."""
    max_active_requests: int | None = None
    version: str = "2026-01-01 00:00:00.000000"

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "name" not in data:
            return data
        last = "answer" if data.get("mode") == "advanced-chat" else "end"
        return {**data, "key": data.get("key") or f"app-{data['name']}", "nodes": _nodes(data.get("nodes") or [], last)}

    @cached_property
    def id(self) -> str:
        return stable_id("app", self.name)

    @cached_property
    def workflow_id(self) -> str:
        return stable_id("workflow", self.name)

    @cached_property
    def working_nodes(self) -> list[Node]:
        """The nodes between start and end."""
        return self.nodes[1:-1]

    def end_user_id(self, user: str) -> str:
        """Dify keeps one end user per app and session id."""
        return stable_id("end-user", self.name, user)


class Timing(BaseModel):
    """Seconds of the protocol. Defaults are those of Dify 1.14.2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scale: float = Field(default=1.0, gt=0)
    """Real seconds per told second: 0.01 plays everything, nodes too, a hundred times faster."""
    ping_seconds: float = 10.0
    start_seconds: float = 0.02
    """From the accepted call to `workflow_started`, if a slot is free."""
    latency_seconds: float = 0.0
    """Before any answer."""
    stop_notice_seconds: float = 1.0
    """A stop is noticed within so long; a node that ends sooner makes it an abort."""
    close_seconds: float = 1.0
    """The stream stays open after its last event."""
    idle_close_seconds: float = 300.0
    """A silent stream is closed."""
    keepalive_seconds: float = 65.0
    """Idle connections: 65 behind Docker's nginx, about 2 with bare gunicorn. Real seconds."""


class Config(BaseModel):
    """The whole file: apps, capacity, timing, what the ledger counts."""

    model_config = ConfigDict(extra="forbid")

    apps: list[App]
    slots: int | None = None
    """Streaming runs at once, over all apps; the rest wait in silence (Dify: Celery's concurrency, stock 4).

    None: no limit. Blocking runs need no slot: in Dify they run in the API process.
    """
    connections: int | None = None
    """Requests under way at once (Dify: stock 10); further ones are not even read. None: no limit."""
    timing: Timing = Timing()
    group_by: list[str] = []
    """Input fields whose values the ledger counts apart."""
    task_pattern: str = TASK_PATTERN
    """Finds the task, and the attempt, in a run's user."""


def load(source: Path | str) -> Config:
    """Read a file of apps. `OSError`, `yaml.YAMLError` or pydantic's `ValidationError` say what is wrong."""
    return Config.model_validate(yaml.safe_load(Path(source).read_text(encoding="utf-8")))


def _field(value: Any) -> Any:
    """A bare name is a required paragraph."""
    return {"name": value, "required": True} if isinstance(value, str) else value


def _nodes(nodes: list[Any], last: str) -> list[Any]:
    """Fill in ids and titles, and put start and end around the nodes that work."""
    filled = [_node(index, node) for index, node in enumerate(nodes, start=1)]
    types = [node["type"] for node in filled]
    if "start" not in types:
        filled.insert(0, {"id": "start", "type": "start", "title": "Start"})
    if last not in types:
        filled.append({"id": last, "type": last, "title": last.title()})
    return filled


def _node(index: int, node: Any) -> dict[str, Any]:
    data = node.model_dump() if isinstance(node, Node) else dict(node)
    kind = data.setdefault("type", "llm")
    default = kind if kind in ("start", "end", "answer") else f"{kind.replace('-', '_')}_{index}"
    data.setdefault("id", default)
    data.setdefault("title", data["id"])
    return data
