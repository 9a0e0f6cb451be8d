"""Jobs as a survey finds them, for tests of what is made of them."""

from typing import Any

from sja_units.job import Job
from sja_units.jobs.status import JobView


def make_view(state: str, **changes: Any) -> JobView:
    """Return a wanted job in this state, with nothing else to tell."""
    view = JobView(
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
