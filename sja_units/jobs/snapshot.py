"""What files, markers, health and one listing of systemd tell of jobs, read once for all."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sja_units.job import KINDS, RELAUNCH, SCHEDULES, TARGET, Job, parse_unit
from sja_units.jobs import markers
from sja_units.jobs.failure import Failure, list_failed_units, read_failure
from sja_units.jobs.health import read_health
from sja_units.jobs.inventory import Head, list_configured, read_head
from sja_units.jobs.run_space import describe_full_run
from sja_units.jobs.running_config import is_changed
from sja_units.jobs.schedule import list_scheduled_units
from sja_units.jobs.state import Facts, State, decide_state, is_maintenance
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import UnitRow


class JobStatus(NamedTuple):
    """All that is known of a job; the fields are those of the contract's JSON."""

    job: Job
    title: str
    configured: bool
    state: State
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
    changed: bool = False  # its file is another one than it runs with
    obstacle: str = ""  # what keeps systemd from starting a job that is down
    template: str | None = None  # that its file was made from

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
            "changed": self.changed,
            "pid": self.pid,
            "since": self.since,
            "restarts": self.restarts,
            "status": self.status,
            "error": self.error and self.error.as_json(),
            "health": self.health,
            "memory_bytes": self.memory_bytes,
            "cpu_seconds": self.cpu_seconds,
        }


class Snapshot(NamedTuple):
    """What systemd's listing and the markers tell, read once for all jobs that are asked for."""

    rows: Mapping[str, UnitRow]
    configured: frozenset[Job]
    wanted: set[str]
    failed: set[str]
    next_tries: dict[str, float]
    completed: dict[str, str]  # when each did its work
    scheduled: set[str]
    full_run: str  # in words, "" where /run has room

    @property
    def is_relaunching(self) -> bool:
        """Whether sja-relaunch is about to start what is wanted."""
        row = self.rows.get(RELAUNCH)
        return row is not None and (row.active == "activating" or row.job_type == "start")

    @property
    def is_maintenance(self) -> bool:
        """Whether sja-jobs.target was stopped, which took its jobs along on purpose."""
        return is_maintenance(self.rows.get(TARGET))

    def is_armed(self, job: Job) -> bool:
        """Tell whether a job's schedule goes on."""
        row = self.rows.get(job.schedule_unit)
        return job.unit in self.scheduled and row is not None and row.active == "active"

    def list_jobs(self) -> list[Job]:
        """Return the jobs of which anything is there, by kind and name: a file, a marker, or a
        unit that is not just known by name.
        """
        busy = (unit for unit, row in self.rows.items() if row.active != "inactive" or row.job_type)
        known = {parse_unit(unit) for unit in (*busy, *self.wanted)}
        return sorted(self.configured | {job for job in known if job is not None})


def take_snapshot(systemd: Systemd, jobs: Iterable[Job] | None = None) -> Snapshot:
    """Return what holds for these jobs, None for all."""
    if jobs is None:
        units = [*(f"sja-{kind}@*.service" for kind in KINDS), f"{SCHEDULES}*.service"]
        configured = frozenset(list_configured())
        among = None
    else:
        jobs = list(jobs)
        units = [unit for job in jobs for unit in (job.unit, job.schedule_unit)]
        configured = frozenset(job for job in jobs if os.path.lexists(job.config_path))
        among = {job.unit for job in jobs}
    return Snapshot(
        {row.name: row for row in systemd.list_units([*units, RELAUNCH, TARGET])},
        configured,
        markers.list_wanted_units(among),
        list_failed_units(among),
        markers.read_next_tries(among),
        markers.read_completed(among),
        list_scheduled_units(among),
        describe_full_run(),
    )


def read_status(job: Job, snapshot: Snapshot) -> JobStatus:
    """Return what files and the one listing tell of a job."""
    configured = job in snapshot.configured
    head = read_head(job) if configured else Head("", True)
    row = snapshot.rows.get(job.unit)
    active = row is not None and row.active not in ("inactive", "failed")
    health = read_health(job) if active else {}
    next_try = snapshot.next_tries.get(job.unit)
    completed = snapshot.completed.get(job.unit)
    wanted = job.unit in snapshot.wanted
    state = decide_state(
        Facts(
            configured=configured,
            wanted=wanted,
            relaunch=head.relaunch,
            unit=row,
            well=bool(health.get("ok", True)) if health else None,
            failing=next_try is not None,
            relaunching=snapshot.is_relaunching,
            scheduled=job.unit in snapshot.scheduled,
            armed=snapshot.is_armed(job),
            completed=completed is not None,
        )
    )
    error = read_failure(job) if job.unit in snapshot.failed else None
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
        status=_describe(job, state, health, error, snapshot.full_run),
        error=error,
        next_try=next_try if state == "restarting" else None,
        next_run=None,
        health=health,
        memory_bytes=None,
        cpu_seconds=None,
        changed=active and configured and is_changed(job),
        template=head.template,
    )


def _describe(
    job: Job, state: State, health: dict[str, Any], error: Failure | None, full_run: str
) -> str:
    if state == "unconfigured":
        return f"there is no file {job.config_path}"
    if state in ("running", "degraded"):
        return str(health.get("status", full_run or "not reporting"))
    if state in ("failed", "restarting", "down") and error is not None:
        return error.message
    return "wanted, but not running" if state == "down" else ""
