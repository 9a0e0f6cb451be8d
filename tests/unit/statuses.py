"""Jobs as a listing finds them, for tests of what is made of them."""

from typing import Any

from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import State


def make_status(state: State, **changes: Any) -> JobStatus:
    """Return a wanted job in this state, with nothing else to tell."""
    view = JobStatus(
        job=Job("acquisition", "line1"),
        title="",
        configured=True,
        state=state,
        wanted=True,
        relaunch=True,
        pid=None,
        since=None,
        restarts=None,
        status="",
        error=None,
        next_try=None,
        next_run=None,
        health={},
        memory_bytes=None,
        cpu_seconds=None,
    )
    return view._replace(**changes)
