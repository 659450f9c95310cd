"""Which runs a question to the workflow log finds (Dify 1.14.2: services/workflow_app_service.py)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tradefree.testing.dify_standin.envelope import WorkflowLogQuery
from tradefree.testing.dify_standin.replies import DifyError
from tradefree.testing.dify_standin.run import Run

_KEYWORD_LENGTH = 30
"""Dify looks at the first 30 characters only."""


def matches(run: Run, query: WorkflowLogQuery) -> bool:
    """Whether the run belongs into the answer."""
    if query.created_by_account or (query.status and run.status != query.status):
        return False
    if query.created_at__after and run.created_at < _moment(query.created_at__after):
        return False
    if query.created_at__before and run.created_at > _moment(query.created_at__before):
        return False
    return not query.keyword or _mentions(run, query.keyword)


def _mentions(run: Run, keyword: str) -> bool:
    """Stored JSON is ASCII-escaped, so Chinese keywords find nothing in it; users are plain text."""
    if keyword == run.id:
        return True
    word = keyword[:_KEYWORD_LENGTH].lower()
    stored = json.dumps(run.sys_inputs(timestamp=True)) + json.dumps(run.outputs)
    return word in stored.lower() or word in run.user.lower()


def _moment(text: str) -> float:
    """Unix seconds of an ISO-8601 time; without a zone it is UTC. Raises `DifyError` 400."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DifyError(400, "invalid_param", f"Invalid isoformat string: {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
