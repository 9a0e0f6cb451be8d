"""Expected against actual: wanted jobs that do not run or do not stay up, jobs that run twice or
share a device.
"""

import json
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sja_units.exit_status import NEEDS_OPERATOR, WRONG_CONFIG
from sja_units.fs.atomic import replace_file
from sja_units.job import RELAUNCH, RUN_ROOT, TARGET, Job
from sja_units.jobs.claims import find_conflicts
from sja_units.jobs.claims_cache import read_cached_claims
from sja_units.jobs.markers import is_wanted
from sja_units.jobs.run_space import describe_full_run
from sja_units.jobs.schedule import choose_unit
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active, is_maintenance
from sja_units.jobs.status import list_status
from sja_units.kinds import get_kind
from sja_units.systemd import journal_send
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import Order, run_orders
from sja_units.text import clean

FLAPS_AT = 5  # failures
FLAP_SECONDS = 3600
TOLD_PATH = f"{RUN_ROOT}/found.json"

_FULL = "full"  # the topic of a /run without room
_EXITED = 1  # CLD_EXITED, see waitid(2)


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


class Host(NamedTuple):
    """What holds for all jobs."""

    is_maintenance: bool  # sja-jobs.target was stopped, which took its jobs along on purpose
    is_relaunching: bool  # sja-relaunch is about to start what is wanted


class Result(NamedTuple):
    """What a check found, and the jobs that it started."""

    findings: list[Finding]
    repaired: list[Job]

    @property
    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.is_warning]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_warning]


def check(systemd: Systemd, *, repair: bool) -> Result:
    """Compare the jobs that should run with those that do; with `repair` start those first that
    should, and note in the journal what was mended and found.
    """
    host = _read_host(systemd)
    statuses = list_status(systemd)
    repaired: list[Job] = []
    if repair and systemd.unit_file_state(RELAUNCH) == "enabled":
        repaired = _start(systemd, choose_repairs(statuses, host, _list_final(systemd, statuses)))
        statuses = list_status(systemd) if repaired else statuses
    findings = [
        *find_full_run(),
        *find_problems(statuses, maintenance=host.is_maintenance, now=time.time()),
        *find_unmanaged(),
        *find_changed(statuses),
        *find_conflicting(statuses),
    ]
    if repair:
        for job in repaired:
            journal_send.send(journal_send.REPAIRED, "was down, so sja-check started it", job)
        _tell_news(findings)
    return Result(findings, repaired)


def _read_host(systemd: Systemd) -> Host:
    rows = {row.name: row for row in systemd.list_units([TARGET, RELAUNCH])}
    relaunch = rows.get(RELAUNCH)
    return Host(
        is_maintenance(rows.get(TARGET)),
        relaunch is not None and (relaunch.active == "activating" or relaunch.job_type == "start"),
    )


def _list_final(systemd: Systemd, statuses: Iterable[JobStatus]) -> set[Job]:
    """Return the failed jobs that end the same way until a person acts.

    All others are those that systemd could not run often enough.
    """
    failed = {status.job.unit: status.job for status in statuses if status.state == "failed"}
    shown = systemd.get(failed, "ExecMainCode", "ExecMainStatus")
    return {
        failed[unit]
        for unit, main in shown.items()
        if main["ExecMainCode"] == _EXITED
        and main["ExecMainStatus"] in (NEEDS_OPERATOR, WRONG_CONFIG)
    }


def choose_repairs(statuses: Iterable[JobStatus], host: Host, final: set[Job]) -> dict[str, Job]:
    """Return the units that `--repair` starts, with their jobs.

    Those are of wanted jobs that are down, or failed and not for good (final). What sja-relaunch is
    about to start is not down; in maintenance nothing is.
    """
    if host.is_maintenance or host.is_relaunching:
        return {}
    chosen = {choose_unit(status.job): status.job for status in statuses if status.state == "down"}
    chosen |= {
        status.job.unit: status.job
        for status in statuses
        if status.state == "failed" and status.wanted and status.job not in final
    }
    return chosen


def _start(systemd: Systemd, jobs: dict[str, Job]) -> list[Job]:
    """Start units unless they were stopped meanwhile; return the jobs that run now."""
    orders = [Order("start", unit) for unit in jobs]
    results = run_orders(systemd, orders, lambda order: is_wanted(jobs[order.unit].unit))
    return [jobs[result.order.unit] for result in results if result.result == "done"]


def find_full_run() -> list[Finding]:
    """Return, as a problem of the host, that workers cannot report."""
    words = describe_full_run()
    return [Finding(None, words, False, _FULL)] if words else []


def find_problems(statuses: Iterable[JobStatus], *, maintenance: bool, now: float) -> list[Finding]:
    """Return what is wrong with the jobs, one finding a job.

    maintenance: sja-jobs.target was stopped, which took its jobs along on purpose.
    now: Unix time.
    """
    found = (_find_problem(status, maintenance, now) for status in statuses if status.wanted)
    return [finding for finding in found if finding is not None]


def _find_problem(status: JobStatus, maintenance: bool, now: float) -> Finding | None:
    if status.state == "down" and maintenance:
        return Finding(status.job, f"stopped with {TARGET}", True, "maintenance")
    if status.state in ("down", "failed", "unconfigured"):
        words = f"wanted, but {status.state}"
        reason = status.obstacle or status.status
        return Finding(status.job, _add_reason(words, reason), False, status.state)
    failures = _count_failures(status, now)
    if failures >= FLAPS_AT:
        reason = status.error.message if status.error else ""
        words = f"flaps: it runs again and again, and failed {failures} times within an hour"
        return Finding(status.job, _add_reason(words, reason), False, "restarting")
    if status.state == "restarting":
        words = _add_reason("wanted, but restarting", status.status)
        return Finding(status.job, words, False, "restarting")
    if not is_active(status.state):
        return None
    if not status.health:
        words = f"its worker does not report, it may hang: sjactl restart {status.job}"
        if describe_full_run():
            words = "its worker cannot report, as /run is full"
        return Finding(status.job, words, False, "frozen")
    problems = list(get_kind(status.job.kind).list_problems(status.health))
    if problems:
        return Finding(status.job, "; ".join(problems), False, "refused")
    if status.state == "degraded":
        return Finding(status.job, _add_reason("degraded", status.status), True, "degraded")
    return None


def _add_reason(words: str, reason: str) -> str:
    return f"{words}: {reason}" if reason else words


def _count_failures(status: JobStatus, now: float) -> int:
    times = status.error.recent if status.error else ()
    return sum(now - FLAP_SECONDS < at <= now for at in times)


def find_changed(statuses: Iterable[JobStatus]) -> list[Finding]:
    """Return, as warnings, the running jobs whose files were changed since they started."""
    words = "its file has changed since it started: sjactl restart {} lets that take effect"
    return [
        Finding(status.job, words.format(status.job), True, "changed")
        for status in statuses
        if status.changed
    ]


def find_conflicting(statuses: Iterable[JobStatus]) -> list[Finding]:
    """Return, as warnings, the jobs that share a device's endpoint or a session.

    Jobs that neither run nor are to run disturb nobody.
    """
    jobs = [status.job for status in statuses if status.wanted or is_active(status.state)]
    return [
        Finding(
            conflict.jobs[0],
            conflict.describe(conflict.jobs[0]),
            True,
            f"shares {conflict.what}",
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


def _tell_news(findings: Sequence[Finding]) -> None:
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
            is_ours = finding.job or finding.topic == _FULL
            event = journal_send.FOUND if is_ours else journal_send.FOUND_UNMANAGED
            journal_send.send(event, clean(finding.message), finding.job)


def _read_told() -> list[str]:
    try:
        with open(TOLD_PATH, "rb") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return []
    return [key for key in told if isinstance(key, str)] if isinstance(told, list) else []
