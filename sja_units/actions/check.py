"""Expected against actual: wanted jobs that do not run or do not stay up, jobs that run twice or
share a device.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sja_units.errors import NeedsOperator, WrongConfig
from sja_units.fs.atomic import replace_file
from sja_units.job import RUN_ROOT, Job
from sja_units.jobs.claims import find_conflicts
from sja_units.jobs.claims_cache import read_cached_claims
from sja_units.jobs.markers import is_wanted
from sja_units.jobs.schedule import choose_unit
from sja_units.jobs.state import is_active
from sja_units.jobs.status import JobStatus
from sja_units.systemd import journal_send
from sja_units.systemd.client import Order, Systemd

FLAPS_AT = 5  # failures
FLAP_SECONDS = 3600
TOLD_PATH = f"{RUN_ROOT}/found.json"

_EXITED = 1  # CLD_EXITED, see waitid(2)
_FINAL = (NeedsOperator.status, WrongConfig.status)


class Finding(NamedTuple):
    """Something that a person should know; a problem, unless it is only a warning."""

    job: Job | None  # None: it is no job of ours
    message: str
    is_warning: bool
    topic: str  # the same as long as it is the same finding, whatever the message counts

    def as_json(self) -> dict[str, object]:
        return {"job": self.job and str(self.job), "message": self.message}

    @property
    def key(self) -> str:
        return f"{self.job} {self.topic}"


def find_problems(views: Iterable[JobStatus], *, maintenance: bool, now: float) -> list[Finding]:
    """Return what is wrong with the jobs, one finding a job.

    maintenance: sja-jobs.target was stopped, which took its jobs along on purpose.
    now: Unix time.
    """
    found = (_find_problem(view, maintenance, now) for view in views if view.wanted)
    return [finding for finding in found if finding is not None]


def _find_problem(view: JobStatus, maintenance: bool, now: float) -> Finding | None:
    if view.state == "down" and maintenance:
        return Finding(view.job, "stopped with sja-jobs.target", True, "maintenance")
    if view.state in ("down", "failed", "unconfigured"):
        words = f"wanted, but {view.state}"
        return Finding(view.job, _add_reason(words, view.status), False, view.state)
    failures = _count_failures(view, now)
    if failures >= FLAPS_AT:
        reason = view.error.message if view.error else ""
        words = f"flaps: it runs again and again, and failed {failures} times within an hour"
        return Finding(view.job, _add_reason(words, reason), False, "restarting")
    if view.state == "restarting":
        return Finding(
            view.job, _add_reason("wanted, but restarting", view.status), False, "restarting"
        )
    if is_active(view.state) and not view.health:
        words = f"its worker does not report, it may hang: sjactl restart {view.job}"
        return Finding(view.job, words, False, "frozen")
    return None


def _add_reason(words: str, reason: str) -> str:
    return f"{words}: {reason}" if reason else words


def _count_failures(view: JobStatus, now: float) -> int:
    times = view.error.recent if view.error else ()
    return sum(now - FLAP_SECONDS < at <= now for at in times)


def find_conflicting(views: Iterable[JobStatus]) -> list[Finding]:
    """Return, as warnings, the jobs that share a device's endpoint or a session.

    Jobs that neither run nor are to run disturb nobody.
    """
    jobs = [view.job for view in views if view.wanted or is_active(view.state)]
    return [
        Finding(
            conflict.jobs[0], conflict.describe(conflict.jobs[0]), True, f"shares {conflict.what}"
        )
        for conflict in find_conflicts(read_cached_claims(jobs))
    ]


def find_unmanaged() -> list[Finding]:
    """Return workers outside their unit, and as warnings what runs of the older systems."""
    from sja_units.actions.unmanaged import list_unmanaged

    return [
        Finding(process.job, process.message, process.job is None, f"process {process.pid}")
        for process in list_unmanaged()
    ]


def repair(systemd: Systemd, views: Iterable[JobStatus]) -> list[Job]:
    """Start the wanted jobs that are down, or that systemd gave up; return those that run now."""
    views = list(views)
    failed = [view.job for view in views if view.state == "failed" and view.wanted]
    shown = systemd.show(job.unit for job in failed)
    down = [view.job for view in views if view.state == "down"]
    down += [job for job in failed if not _ended_for_good(shown[job.unit])]
    units = {job: job.unit if job in failed else choose_unit(job) for job in down}
    jobs = {unit: job for job, unit in units.items()}
    orders = [Order("start", unit) for unit in jobs]
    results = systemd.order(orders, is_due=lambda order: is_wanted(jobs[order.unit].unit))
    return [job for job, unit in units.items() if results[unit] == "done"]


def _ended_for_good(shown: dict[str, Any]) -> bool:
    """Return whether a person has to act; otherwise systemd could not run it often enough."""
    return shown["ExecMainCode"] == _EXITED and shown["ExecMainStatus"] in _FINAL


def tell_repaired(jobs: Iterable[Job]) -> None:
    """Note in the journal what was mended."""
    for job in jobs:
        journal_send.send(journal_send.REPAIRED, "was down, so sja-check started it", job)


def tell_news(findings: Sequence[Finding]) -> None:
    """Note findings in the journal, each once until it has gone; a task for root alone."""
    told = _read_told()
    keys = sorted({finding.key for finding in findings})
    try:
        replace_file(TOLD_PATH, json.dumps(keys).encode(), sync=False)
    except PermissionError:
        return
    except OSError:
        told = []  # better told again than never
    for finding in findings:
        if finding.key not in told:
            event = journal_send.FOUND if finding.job else journal_send.FOUND_UNMANAGED
            journal_send.send(event, finding.message, finding.job)


def _read_told() -> list[str]:
    try:
        with open(TOLD_PATH, "rb") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return []
    return [key for key in told if isinstance(key, str)] if isinstance(told, list) else []
