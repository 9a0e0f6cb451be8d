"""Metrics of a keep-alive job, from its health.json. Nothing in there is trusted. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from sja_units.openmetrics import (
    Family,
    Labels,
    Sample,
    gauge,
    read_figures,
    read_state,
    timestamp,
)

_SESSIONS = ("alive", "expired", "unknown")
_SESSION = Family("sja_keepalive_session", "gauge", "What the last look found of the session.")
_FIGURES = (
    timestamp("sja_keepalive_last_alive", "When the session was last alive.", "last_alive"),
    gauge(
        "sja_keepalive_consecutive_failures",
        "Looks in a row that did not find the session alive.",
        "consecutive_failures",
    ),
    timestamp("sja_keepalive_expires", "When the cookies end.", "expires_at"),
    timestamp("sja_keepalive_next_refresh", "When the next look comes.", "next_refresh"),
)
FAMILIES = (_SESSION, *(figure.family for figure in _FIGURES))


def measure(labels: Labels, health: Mapping[str, Any]) -> Iterator[tuple[Family, Sample]]:
    """Yield what a job's health.json says."""
    yield from read_figures(labels, health, _FIGURES)
    yield from read_state(labels, _SESSION, _SESSIONS, health.get("session"))
