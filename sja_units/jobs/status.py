"""One picture of all jobs: files, markers, systemd and health, joined when somebody asks."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sja_units.job import KINDS, RELAUNCH, SCHEDULES, Job, parse_unit
from sja_units.jobs import markers
from sja_units.jobs.failure import Failure, list_failed_units, make_failure, read_failure
from sja_units.jobs.health import read_health
from sja_units.jobs.inventory import Head, list_configured, read_head
from sja_units.jobs.schedule import list_scheduled_units
from sja_units.jobs.state import Facts, UnitRow, decide_state, is_wrong
from sja_units.systemd.cgroup import count_memory
from sja_units.systemd.client import Systemd

_UNSET = 2**64 - 1


class JobStatus(NamedTuple):
    """All that is known of a job; the fields are those of the contract's JSON."""

    job: Job
    title: str
    configured: bool
    state: str
    wanted: bool
    relaunch: bool
    pid: int | None
    since: str | None
    restarts: int | None
    status: str
    error: Failure | None
    next_try: float | None  # Unix time, while it waits for the next try
    next_run: float | None  # Unix time, while it waits for the next one of its schedule
    health: dict[str, Any]
    memory_bytes: int | None
    cpu_seconds: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that the contract describes."""
        return {
            "job": str(self.job),
            "kind": self.job.kind,
            "name": self.job.name,
            "title": self.title,
            "unit": self.job.unit,
            "config": self.job.config_path,
            "state": self.state,
            "wanted": self.wanted,
            "relaunch": self.relaunch,
            "pid": self.pid,
            "since": self.since,
            "restarts": self.restarts,
            "status": self.status,
            "error": self.error and self.error.as_json(),
            "health": self.health,
            "memory_bytes": self.memory_bytes,
            "cpu_seconds": self.cpu_seconds,
        }


class _Marks(NamedTuple):
    """What holds for all jobs, read once."""

    wanted: set[str]
    failed: set[str]
    next_tries: dict[str, float]
    completed: dict[str, str]  # when each did its work
    scheduled: set[str]
    armed: set[str]
    relaunching: bool


def list_status(systemd: Systemd) -> list[JobStatus]:
    """Return all jobs, by kind and name: those with a file, a marker or a unit in memory.

    systemd is asked about single units only where something is wrong.
    """
    configured = set(list_configured())
    patterns = [f"sja-{kind}@*.service" for kind in KINDS]
    rows = _list_rows(systemd, [*patterns, f"{SCHEDULES}*.service"])
    marks = _read_marks(rows)
    known = {parse_unit(unit) for unit in (*rows, *marks.wanted)} - {None}
    jobs = sorted(configured | {job for job in known if job is not None})
    views = [_look(job, rows.get(job.unit), job in configured, marks) for job in jobs]
    unclear = [v.job for v in views if v.job.unit in rows and (is_wrong(v.state) or v.error)]
    shown = systemd.show(job.unit for job in unclear)
    views = [_add(view, shown[view.job.unit]) if view.job.unit in shown else view for view in views]
    return _add_next_runs(systemd, views, marks)


def get_status(systemd: Systemd, jobs: Iterable[Job]) -> list[JobStatus]:
    """Return all about these jobs, with what they use of the machine."""
    chosen = list(jobs)
    rows = _list_rows(systemd, (unit for job in chosen for unit in (job.unit, job.schedule_unit)))
    marks = _read_marks(rows)
    shown = systemd.show(job.unit for job in chosen)
    views = []
    for job in chosen:
        view = _look(job, rows.get(job.unit), os.path.lexists(job.config_path), marks)
        views.append(_add_use(_add(view, shown[job.unit]), shown[job.unit]))
    return _add_next_runs(systemd, views, marks)


def _list_rows(systemd: Systemd, units: Iterable[str]) -> dict[str, UnitRow]:
    return {row.name: row for row in systemd.list_units([*units, RELAUNCH])}


def _read_marks(rows: Mapping[str, UnitRow]) -> _Marks:
    relaunch = rows.get(RELAUNCH)
    return _Marks(
        markers.list_wanted_units(),
        list_failed_units(),
        markers.read_next_tries(),
        markers.read_completed(),
        list_scheduled_units(),
        armed={unit for unit, row in rows.items() if row.active == "active"},
        relaunching=relaunch is not None
        and (relaunch.active == "activating" or relaunch.job_type == "start"),
    )


def _look(job: Job, row: UnitRow | None, configured: bool, marks: _Marks) -> JobStatus:
    """Return what files and the one listing tell of a job."""
    head = read_head(job) if configured else Head("", True)
    wanted = job.unit in marks.wanted
    active = row is not None and row.active not in ("inactive", "failed")
    health = read_health(job) if active else {}
    next_try = marks.next_tries.get(job.unit)
    well = bool(health.get("ok", True)) if health else None
    failing = next_try is not None
    completed = marks.completed.get(job.unit)
    facts = Facts(
        *(configured, wanted, head.relaunch, row, well, failing, marks.relaunching),
        scheduled=job.unit in marks.scheduled,
        armed=job.unit in marks.scheduled and job.schedule_unit in marks.armed,
        completed=completed is not None,
    )
    state = decide_state(facts)
    error = read_failure(job) if job.unit in marks.failed else None
    return JobStatus(
        job=job,
        title=head.title,
        configured=configured,
        state=state,
        wanted=wanted,
        relaunch=head.relaunch,
        pid=health.get("pid"),
        since=completed if state == "completed" else health.get("since"),
        restarts=None,
        status=_say(job, state, health, error),
        error=error,
        next_try=next_try if state == "restarting" else None,
        next_run=None,
        health=health,
        memory_bytes=None,
        cpu_seconds=None,
    )


def _say(job: Job, state: str, health: dict[str, Any], error: Failure | None) -> str:
    if state == "unconfigured":
        return f"there is no file {job.config_path}"
    if state in ("running", "degraded"):
        return str(health.get("status", "not reporting"))
    if state in ("failed", "restarting", "down") and error is not None:
        return error.message
    return "wanted, but not running" if state == "down" else ""


def _add(view: JobStatus, shown: dict[str, Any]) -> JobStatus:
    """Return the view with what systemd tells of this one unit."""
    active = shown["ActiveState"] in ("active", "reloading")
    since = shown["ActiveEnterTimestamp" if active else "StateChangeTimestamp"]
    # A failure from before the last order is history: nothing was wrong in this run.
    past = active and shown["NRestarts"] == 0
    starting = view.state in ("starting", "stopping")
    if _knows_more(shown["Result"], view):
        view = _blame_systemd(view, shown)
    return view._replace(
        pid=shown["MainPID"] or None,
        since=view.since if view.state == "completed" else _format(since),
        restarts=shown["NRestarts"],
        status=shown["StatusText"] if starting else view.status,
        error=None if past else view.error,
    )


def _add_next_runs(systemd: Systemd, views: list[JobStatus], marks: _Marks) -> list[JobStatus]:
    """Return the views, those that wait for a run of their schedule with its time."""
    timers = [view.job.timer for view in views if _waits(view, marks)]
    elapses = systemd.get_each(timers, "Timer", "NextElapseUSecRealtime") if timers else {}
    return [
        _add_next_run(view, elapses[view.job.timer]) if view.job.timer in elapses else view
        for view in views
    ]


def _waits(view: JobStatus, marks: _Marks) -> bool:
    is_between = view.state in ("completed", "starting", "failed")
    return is_between and view.job.unit in marks.scheduled and view.job.schedule_unit in marks.armed


def _add_next_run(view: JobStatus, micros: int) -> JobStatus:
    if not 0 < micros < _UNSET:
        return view
    moment = datetime.fromtimestamp(micros / 1e6).astimezone().isoformat(" ", timespec="seconds")
    status = f"next run at {moment}"
    if view.state == "failed":
        status = f"{view.status} · {status}"
    return view._replace(next_run=micros / 1e6, status=status)


def _knows_more(result: str, view: JobStatus) -> bool:
    """Tell whether systemd knows of a failure that the end hook could not note."""
    if view.state == "failed":
        return view.error is None or view.error.result != result
    return view.state == "restarting" and view.error is None and result != "success"


def _blame_systemd(view: JobStatus, shown: dict[str, Any]) -> JobStatus:
    """Return the view of a job whose end hook could not note the failure."""
    at = _format(shown["StateChangeTimestamp"]) or ""
    error = make_failure(shown["Result"], at, max(1, shown["NRestarts"]))
    return view._replace(error=error, status=error.message)


def _add_use(view: JobStatus, shown: dict[str, Any]) -> JobStatus:
    memory, cpu = shown["MemoryCurrent"], shown["CPUUsageNSec"]
    if memory == _UNSET:
        memory = count_memory(shown["ControlGroup"]) if shown["ControlGroup"] else None
    return view._replace(
        memory_bytes=memory,
        cpu_seconds=None if cpu == _UNSET else cpu / 1e9,
    )


def _format(micros: int) -> str | None:
    """Return a systemd time stamp as RFC 3339, None where it was never set."""
    if not micros:
        return None
    moment = datetime.fromtimestamp(micros / 1e6, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
