"""What a look at a job means for those who want to be told. Pure."""

import math
from datetime import datetime
from typing import NamedTuple

from sja_units.alerts.record import Condition, Event, parse_event
from sja_units.exit_status import NEEDS_OPERATOR
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active
from sja_units.kinds import get_kind

STEADY = 60.0  # seconds of being well that begin a new count of failures


class Classification(NamedTuple):
    """What a look at one job tells.

    A job that runs has an event too while it has only just come back from a series of failures.
    """

    condition: Condition
    event: Event | None = None
    active_for: float = math.inf  # seconds, for a job that is well; else it does not matter


def classify(view: JobStatus, after_failures: int, now: float) -> Classification:
    """Return what a job's view means; `now` in Unix time."""
    state = view.state
    if state == "stopped" or not (view.wanted or is_active(state) or state == "completed"):
        return Classification("unwanted")
    if state == "failed":
        is_refused = view.error is not None and view.error.exit_code == NEEDS_OPERATOR
        event = parse_event(get_kind(view.job.kind).refused_event) if is_refused else "failed"
        return Classification("ill", event)
    active_for = _count_active(view, now)
    fails = view.error is not None and view.error.failures >= after_failures
    if fails and active_for < STEADY:
        return (
            Classification("well", "failing", active_for)
            if state == "running"
            else Classification("ill", "failing")
        )
    if state in ("running", "completed"):
        return Classification("well", None, active_for)
    if state == "degraded" and view.health.get("session") == "unknown":
        # Its looks have a pace of their own, so it is not the time that counts.
        misses = view.health.get("consecutive_failures")
        if isinstance(misses, int) and misses >= after_failures:
            return Classification("ill", "failing")
        return Classification("unclear")
    return Classification(
        "doubtful" if state in ("degraded", "down", "unconfigured") else "unclear"
    )


def _count_active(view: JobStatus, now: float) -> float:
    """Return for how many seconds the job has been active: 0 if it is not."""
    if not is_active(view.state):
        return math.inf if view.state == "completed" else 0.0
    if view.since is None:
        return math.inf
    try:
        seconds = now - datetime.fromisoformat(view.since).timestamp()
    except (ValueError, OverflowError):  # a worker says of itself what it likes
        return 0.0
    # A time to come is from before the clock was set back, by nobody knows how much.
    return seconds if seconds >= 0 else math.inf
