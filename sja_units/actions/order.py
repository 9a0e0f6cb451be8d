"""Start, stop and restart as people mean them: with the unit's own result and the reason."""

from collections.abc import Callable
from contextlib import suppress

from sja_units.errors import SjaError
from sja_units.job import Job
from sja_units.jobs import manager
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.state import is_active
from sja_units.jobs.status import JobStatus, get_status
from sja_units.systemd.client import WITHDRAWN, Systemd


def carry_out(
    systemd: Systemd, verb: str, views: list[JobStatus], done: Callable[[Job], None]
) -> list[tuple[Job, str]]:
    """Carry out an order on jobs; return those that did not do as told, each with its result.

    done: called with each job that did, as soon as it has. Raises NotAllowed, SjaError.
    """
    # A start of a job that waits for its next try would wait with it; a restart does not. And
    # one that failed is to be tried, whatever its schedule says.
    now = [v.job for v in views if verb == "start" and _is_tried_now(v)]
    orders = [("restart" if view.job in now else verb, view.job) for view in views]
    failed: list[tuple[Job, str]] = []

    def note(job: Job, result: str) -> None:
        if result == "done":
            done(job)
        else:
            failed.append((job, result))

    if verb == "start":
        for view in views:
            if view.state == "failed":
                # systemd may count its tries, and refuse one more; a person has the last word.
                with suppress(SjaError):
                    systemd.reset_failed(view.job.unit)
    for each in sorted({word for word, _ in orders}):
        manager.order(systemd, each, [job for word, job in orders if word == each], note)
    return failed


def _is_tried_now(view: JobStatus) -> bool:
    return view.state == "restarting" or (view.state == "failed" and is_scheduled(view.job))


def explain_failure(systemd: Systemd, verb: str, job: Job, result: str) -> str:
    """Return in a sentence how a job is after an order that it did not carry out, and why."""
    (view,) = get_status(systemd, [job])
    reason = view.error.message if view.error else view.status or result
    ending = "is not running"
    if verb == "stop":
        ending = f"could not be stopped ({result})"
    elif result == WITHDRAWN:
        reason = "it was stopped meanwhile"
    elif is_active(view.state):
        ending = f"runs, but the {verb} was {result}"
    elif view.state == "restarting":
        ending = "did not start, systemd tries again"
    return f"{job} {ending}: {reason}"
