"""docs/monitoring.md lists exactly the metrics there are, with their labels."""

from __future__ import annotations

import re

from docs.pages import DOCS, bare, rows
from metrics.every import every_family

PAGE = DOCS / "monitoring.md"


def test_every_metric_is_listed_with_its_labels() -> None:
    listed = {bare(row[0]): set(re.findall(r"`(\w+)`", row[1])) for row in rows(PAGE, "metric", "labels", "meaning")}
    assert listed == {name: labels for name, (_, labels) in every_family().items()}
