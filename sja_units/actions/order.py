"""Start, stop and restart as people mean them: with the unit's own result and the reason."""

import time
from collections.abc import Iterator
from contextlib import suppress

from sja_units.errors import SjaError
from sja_units.jobs import orders
from sja_units.jobs.orders import JobResult
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import WITHDRAWN
from sja_units.systemd.unit import Verb

_REASON_SECONDS = 2.0
_LOOK_SECONDS = 0.1


def carry_out(systemd: Systemd, verb: Verb, statuses: list[JobStatus]) -> Iterator[JobResult]:
    """Carry out an order on jobs; give what comes of each as it comes.

    Raises NotAllowed once all others were carried out.
    """
    if verb == "start":
        for status in statuses:
            if status.state == "failed":
                # systemd may count its tries, and refuse one more; a person has the last word.
                with suppress(SjaError):
                    systemd.reset_failed(status.job.unit)
    # A start of a job that waits for its next try would wait with it; a restart does not. And
    # one that failed is to be tried, whatever its schedule says.
    now = [s.job for s in statuses if verb == "start" and _is_tried_now(s)]
    yield from orders.order(systemd, "restart", now)
    rest = [status.job for status in statuses if status.job not in now]
    yield from orders.order(systemd, verb, rest)


def _is_tried_now(status: JobStatus) -> bool:
    return status.state == "restarting" or (status.state == "failed" and is_scheduled(status.job))


def explain_failure(systemd: Systemd, verb: Verb, result: JobResult) -> str:
    """Return in a sentence how a job is after an order that it did not carry out, and why."""
    status, reason = _find_reason(systemd, result)
    ending = "is not running"
    if verb == "stop":
        ending = f"could not be stopped ({result.result})"
    elif result.result == WITHDRAWN:
        reason = "it was stopped meanwhile"
    elif is_active(status.state):
        ending = f"runs, but the {verb} was {result.result}"
    elif status.state == "restarting":
        ending = "did not start, systemd tries again"
    else:
        reason = status.obstacle or reason
    return f"{result.job} {ending}: {reason or result.result}"


def _find_reason(systemd: Systemd, result: JobResult) -> tuple[JobStatus, str]:
    """Return how a job is now, and why; "" if nothing tells.

    Where the end hook could not run, only systemd knows, and not while the next try is under way.
    """
    deadline = time.monotonic() + _REASON_SECONDS
    while True:
        (status,) = get_status(systemd, [result.job])
        reason = result.reason or (status.error.message if status.error else status.status)
        if reason or result.result != "failed" or time.monotonic() > deadline:
            return status, reason
        time.sleep(_LOOK_SECONDS)
