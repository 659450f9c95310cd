"""Reads a page of metrics as Prometheus does."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tradefree.metrics.happened import Happened
from tradefree.metrics.page import render

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """Every sample by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Reading:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = samples(text)

    @classmethod
    def of(cls, happened: Happened) -> Reading:
        return cls(render(happened, "")[0].decode())

    def value(self, name: str, **labels: str) -> float | None:
        """The sample; None if there is none."""
        return self.samples.get((f"tradefree_{name}", tuple(sorted(labels.items()))))

    def all(self, name: str) -> Mapping[tuple[str, ...], float]:
        """All samples of a name, by the labels' values in the order of the labels' names."""
        return {
            tuple(value for _, value in labels): number
            for (found, labels), number in self.samples.items()
            if found == f"tradefree_{name}"
        }

    @property
    def names(self) -> set[str]:
        """The names of the families, as they stand in the TYPE lines."""
        return {line.split()[2] for line in self.text.splitlines() if line.startswith("# TYPE tradefree_")}
