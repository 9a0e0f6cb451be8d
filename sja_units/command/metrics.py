"""Metrics of a command job, from its health.json. Nothing in there is trusted. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from sja_units.openmetrics import (
    Family,
    Labels,
    Sample,
    gauge,
    read_figures,
    timestamp,
)

_FIGURES = (
    gauge(
        "sja_command_probe_consecutive_failures",
        "Looks in a row that found the program unwell.",
        *("probe", "consecutive_failures"),
    ),
    timestamp(
        "sja_command_probe_last_success",
        "When the program was last found well.",
        *("probe", "last_success"),
    ),
)
FAMILIES = tuple(figure.family for figure in _FIGURES)


def measure(labels: Labels, health: Mapping[str, Any]) -> Iterator[tuple[Family, Sample]]:
    """Yield what a job's health.json says."""
    yield from read_figures(labels, health, _FIGURES)
