"""Expected against actual: wanted jobs that do not run, jobs that run twice or share a device."""

from collections.abc import Iterable
from typing import NamedTuple

import psutil

from sja_units.claims import find_shared, read_claims
from sja_units.job import KINDS, NAME, Job
from sja_units.state import is_active
from sja_units.survey import JobView
from sja_units.systemd import Order, Systemd


class Finding(NamedTuple):
    """Something that a person should know; a problem, unless it is only a warning."""

    job: Job
    message: str
    is_warning: bool

    def as_json(self) -> dict[str, object]:
        return {"job": str(self.job), "message": self.message}


def find_problems(views: Iterable[JobView], *, maintenance: bool) -> list[Finding]:
    """Return what is wrong with the jobs.

    maintenance: sja-jobs.target was stopped, which took its jobs along on purpose.
    """
    findings = []
    for view in views:
        if view.wanted and view.relaunch and _is_absent(view.state):
            stopped = maintenance and view.state == "down"
            words = "stopped with sja-jobs.target" if stopped else f"wanted, but {view.state}"
            reason = f": {view.status}" if view.status and not stopped else ""
            findings.append(Finding(view.job, words + reason, stopped))
    return findings


def _is_absent(state: str) -> bool:
    return state in ("down", "failed", "restarting", "unconfigured")


def find_sharers(views: Iterable[JobView]) -> list[Finding]:
    """Return, as warnings, the jobs that share a device's endpoint or a session.

    Jobs that neither run nor are to run disturb nobody.
    """
    jobs = [view.job for view in views if view.wanted or is_active(view.state)]
    found = find_shared(read_claims(jobs))
    return [Finding(shared.jobs[0], shared.describe(shared.jobs[0]), True) for shared in found]


def find_strays() -> list[Finding]:
    """Return workers that run outside their unit, where nobody manages them."""
    findings = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        job = _parse_command(process.info["cmdline"] or [])
        if job is not None and not _is_in_unit(process.info["pid"], job):
            words = f"process {process.info['pid']} runs it outside {job.unit}: end it"
            findings.append(Finding(job, words, False))
    return findings


def _parse_command(words: list[str]) -> Job | None:
    if "sja_units.worker" not in words[:-2] or words[-2] not in KINDS:
        return None
    if not NAME.fullmatch(words[-1]):  # anybody may call a process as he likes
        return None
    return Job(words[-2], words[-1])


def _is_in_unit(pid: int, job: Job) -> bool:
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            return f"/{job.unit}" in file.read()
    except OSError:
        return True  # it ended meanwhile


def repair(systemd: Systemd, views: Iterable[JobView]) -> list[tuple[Job, str]]:
    """Start the jobs that are down; return each with the result of its start."""
    down = [view.job for view in views if view.state == "down"]
    results = systemd.order(Order("start", job.unit) for job in down)
    return [(job, results[job.unit]) for job in down]
