"""A stand-in for a Dify server: the Service API of Dify 1.14.2 for workflow apps, over real HTTP.

For demos, for users' tests and as the judge of fault tests: it can misbehave in the ways a real server was seen to,
and keeps a ledger of what really ran. Recorded exchanges of a real server are replayed against it in the test suite.
"""

from tradefree.testing.dify_standin.apps import DEMO_APPS, App, Config, InputField, Node, Timing, load
from tradefree.testing.dify_standin.behaviour import Behaviour, Rule
from tradefree.testing.dify_standin.judge import overlapping_runs, peak_running, read_ledger, runs_by_task
from tradefree.testing.dify_standin.ledger import Entry, Ledger
from tradefree.testing.dify_standin.process import serve
from tradefree.testing.dify_standin.server import DifyStandin

__all__ = [
    "DEMO_APPS",
    "App",
    "Behaviour",
    "Config",
    "DifyStandin",
    "Entry",
    "InputField",
    "Ledger",
    "Node",
    "Rule",
    "Timing",
    "load",
    "overlapping_runs",
    "peak_running",
    "read_ledger",
    "runs_by_task",
    "serve",
]
