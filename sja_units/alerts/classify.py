"""What a look at a job means for those who want to be told. Pure."""

import math
from datetime import datetime
from typing import NamedTuple

from sja_units.exit_status import NEEDS_OPERATOR
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active
from sja_units.kinds import get_kind

FAILING, EXPIRED, FAILED, RECOVERED = "failing", "expired", "failed", "recovered"

# What the look tells:
WELL = "well"
ILL = "ill"  # with an event that is told at once
DOUBTFUL = "doubtful"  # told as `failing` if it lasts
UNCLEAR = "unclear"  # on the way to something else
UNWANTED = "unwanted"  # a person stopped or removed it

STEADY = 60.0  # seconds of being well that begin a new count of failures


class Classification(NamedTuple):
    """What a look at one job tells.

    A job that runs has an event too while it has only just come back from a series of failures.
    """

    condition: str
    event: str = ""
    active_for: float = math.inf  # seconds, for a job that is well; else it does not matter


def classify(view: JobStatus, after_failures: int, now: float) -> Classification:
    """Return what a job's view means; `now` in Unix time."""
    state = view.state
    if state == "stopped" or not (view.wanted or is_active(state) or state == "completed"):
        return Classification(UNWANTED)
    if state == "failed":
        is_refused = view.error is not None and view.error.exit_code == NEEDS_OPERATOR
        event = get_kind(view.job.kind).refused_event if is_refused else FAILED
        return Classification(ILL, event)
    active_for = _count_active(view, now)
    fails = view.error is not None and view.error.failures >= after_failures
    if fails and active_for < STEADY:
        return (
            Classification(WELL, FAILING, active_for)
            if state == "running"
            else Classification(ILL, FAILING)
        )
    if state in ("running", "completed"):
        return Classification(WELL, "", active_for)
    if state == "degraded" and view.health.get("session") == "unknown":
        # Its looks have a pace of their own, so it is not the time that counts.
        misses = view.health.get("consecutive_failures")
        if isinstance(misses, int) and misses >= after_failures:
            return Classification(ILL, FAILING)
        return Classification(UNCLEAR)
    return Classification(DOUBTFUL if state in ("degraded", "down", "unconfigured") else UNCLEAR)


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
