"""What systemd tells of single units, added to what files and one listing told."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sja_units.job import SYSTEMD_ROOT, TARGET, Job
from sja_units.jobs.failure import make_failure
from sja_units.jobs.snapshot import JobStatus, Snapshot
from sja_units.jobs.state import is_active
from sja_units.systemd.cgroup import count_memory
from sja_units.systemd.client import Systemd
from sja_units.systemd.skip import find_obstacles

_UNSET = 2**64 - 1
_TIMES = ("ActiveState", "ActiveEnterTimestamp", "StateChangeTimestamp")
_DETAILS = (
    *(*_TIMES, "MainPID", "NRestarts", "Result", "StatusText"),
    *("ControlGroup", "MemoryCurrent", "CPUUsageNSec"),
)
# Where an administrator's own settings for a unit are, systemd.unit(5).
_OVERRIDES = (SYSTEMD_ROOT, "/run/systemd/system", "/etc/systemd/system.control")


def add_essentials(
    systemd: Systemd, statuses: list[JobStatus], snapshot: Snapshot
) -> list[JobStatus]:
    """Return the statuses with what a listing needs: as little as possible is asked."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for status in statuses:
        if status.job.unit in snapshot.rows and (names := _choose_essentials(status)):
            by_names.setdefault(names, []).append(status.job.unit)
    shown: dict[str, dict[str, Any]] = {}
    for names, units in by_names.items():
        shown |= systemd.get(units, *names)
    # A failure of which the end hook knows nothing: only systemd knows when that was.
    unknown = [
        status.job.unit
        for status in statuses
        if _knows_more(shown.get(status.job.unit, {}), status)
    ]
    for unit, properties in systemd.get(unknown, *_TIMES, "NRestarts").items():
        shown[unit] |= properties
    statuses = [_add(status, shown.get(status.job.unit, {})) for status in statuses]
    return _add_next_runs(systemd, _add_obstacles(systemd, statuses, snapshot), snapshot)


def _choose_essentials(status: JobStatus) -> tuple[str, ...]:
    if is_active(status.state):
        if not status.health:
            return (*_TIMES, "NRestarts", "MainPID")
        return ("ActiveState", "NRestarts") if status.error else ()
    if status.state == "failed" or (status.state == "restarting" and not status.error):
        return ("Result",)
    return (*_TIMES, "MainPID") if status.state == "unconfigured" else ()


def add_details(systemd: Systemd, statuses: list[JobStatus], snapshot: Snapshot) -> list[JobStatus]:
    """Return the statuses with all that systemd tells of their units."""
    shown = systemd.get([status.job.unit for status in statuses], *_DETAILS)
    statuses = [_add(status, shown[status.job.unit]) for status in statuses]
    statuses = [_add_use(status, shown[status.job.unit]) for status in statuses]
    return _add_next_runs(systemd, _add_obstacles(systemd, statuses, snapshot), snapshot)


def _add(status: JobStatus, shown: dict[str, Any]) -> JobStatus:
    """Return the status with what systemd tells of this one unit, as far as it was asked."""
    active = shown.get("ActiveState") in ("active", "reloading", "refreshing")
    # A failure from before the last order is history: nothing was wrong in this run.
    past = active and shown.get("NRestarts") == 0
    if _knows_more(shown, status):
        status = _blame_systemd(status, shown)
    since = status.since
    # What notes tell is the same in a listing, which asks systemd for as little as it can.
    if status.error and status.state in ("failed", "restarting"):
        since = status.error.at
    elif status.state != "completed" and not status.health:
        micros = shown.get("ActiveEnterTimestamp" if active else "StateChangeTimestamp")
        since = _format(micros) or since
    starting = status.state in ("starting", "stopping")
    return status._replace(
        pid=shown.get("MainPID") or status.pid,
        since=since,
        restarts=shown.get("NRestarts"),
        status=shown.get("StatusText", status.status) if starting else status.status,
        error=None if past else status.error,
    )


def _knows_more(shown: dict[str, Any], status: JobStatus) -> bool:
    """Tell whether systemd knows of a failure that the end hook could not note."""
    result = shown.get("Result")
    if result is None:
        return False
    if status.state == "failed":
        return status.error is None or status.error.result != result
    return status.state == "restarting" and status.error is None and result != "success"


def _blame_systemd(status: JobStatus, shown: dict[str, Any]) -> JobStatus:
    """Return the status of a job whose end hook could not note the failure."""
    at = _format(shown["StateChangeTimestamp"]) or ""
    error = make_failure(shown["Result"], at, max(1, shown["NRestarts"]))
    return status._replace(error=error, status=error.message)


def _add_use(status: JobStatus, shown: dict[str, Any]) -> JobStatus:
    memory, cpu = shown["MemoryCurrent"], shown["CPUUsageNSec"]
    if memory == _UNSET:
        memory = count_memory(shown["ControlGroup"]) if shown["ControlGroup"] else None
    return status._replace(
        memory_bytes=memory,
        cpu_seconds=None if cpu == _UNSET else cpu / 1e9,
    )


def _add_obstacles(
    systemd: Systemd, statuses: list[JobStatus], snapshot: Snapshot
) -> list[JobStatus]:
    """Return the statuses, those of jobs that are down with what keeps them from their start."""
    down = [status.job for status in statuses if status.state == "down"]
    if not down:
        return statuses
    if snapshot.is_maintenance:
        words = f"stopped with {TARGET}; systemctl start {TARGET} brings it back"
        obstacles = dict.fromkeys(down, words)
    else:
        units = {job.unit: job for job in _list_overridden(down)}
        loaded = [unit for unit in units if unit in snapshot.rows]
        others = [unit for unit in units if unit not in snapshot.rows]
        found = find_obstacles(systemd, loaded, others)
        obstacles = {units[unit]: words for unit, words in found.items()}
    return [
        _hinder(status, obstacles[status.job]) if obstacles.get(status.job) else status
        for status in statuses
    ]


def _hinder(status: JobStatus, obstacle: str) -> JobStatus:
    return status._replace(status=f"wanted, but not running: {obstacle}", obstacle=obstacle)


def _list_overridden(jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs that an administrator may have masked or bound to conditions.

    Asking systemd of a unit at rest makes it read the unit's files, which takes its time.
    """
    there: dict[str, list[str]] = {}
    for folder in _OVERRIDES:
        for name in _list(folder):
            there.setdefault(name, []).append(f"{folder}/{name}")
    return [job for job in jobs if _is_overridden(job, there)]


def _is_overridden(job: Job, there: Mapping[str, list[str]]) -> bool:
    """there: what is in the folders of overrides, with its paths."""
    template = f"sja-{job.kind}@.service"
    if job.unit in there or template in there:
        return True
    folders = [f"{unit}.d" for unit in (job.unit, template, "sja-.service", "service")]
    own = os.path.basename(job.drop_in_path)
    paths = [path for folder in folders for path in there.get(folder, ())]
    return any(set(_list(path)) - {own} for path in paths)


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _add_next_runs(
    systemd: Systemd, statuses: list[JobStatus], snapshot: Snapshot
) -> list[JobStatus]:
    """Return the statuses, those that wait for a run of their schedule with its time."""
    timers = [status.job.timer for status in statuses if _waits(status, snapshot)]
    shown = systemd.get(timers, "NextElapseUSecRealtime")
    return [
        _add_next_run(status, shown[status.job.timer]["NextElapseUSecRealtime"])
        if status.job.timer in shown
        else status
        for status in statuses
    ]


def _waits(status: JobStatus, snapshot: Snapshot) -> bool:
    is_between = status.state in ("completed", "starting", "failed")
    return is_between and snapshot.is_armed(status.job)


def _add_next_run(status: JobStatus, micros: int) -> JobStatus:
    if not 0 < micros < _UNSET:
        return status
    moment = datetime.fromtimestamp(micros / 1e6).astimezone().isoformat(" ", timespec="seconds")
    words = f"next run at {moment}"
    if status.state == "failed":
        words = f"{status.status} · {words}"
    return status._replace(next_run=micros / 1e6, status=words)


def _format(micros: int | None) -> str | None:
    """Return a systemd time stamp as RFC 3339, None where it was never set."""
    if not micros:
        return None
    moment = datetime.fromtimestamp(micros / 1e6, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
