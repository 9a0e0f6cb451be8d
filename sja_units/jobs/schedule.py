"""Commands that run by a calendar, and what stands for them in systemd while they wait."""

import os

from sja_units.job import SYSTEMD_ROOT, Job, parse_unit
from sja_units.kinds import get_kind

_BEFORE, _AFTER = "sja-command@", ".timer"


def list_scheduled_units(among: set[str] | None = None) -> set[str]:
    """Return the units that systemd has a timer for; among: those that are asked for."""
    if among is not None:
        jobs = filter(None, map(parse_unit, among))
        return {job.unit for job in jobs if is_scheduled(job)}
    try:
        names = os.listdir(SYSTEMD_ROOT)
    except FileNotFoundError:
        return set()
    timers = (name for name in names if name.startswith(_BEFORE) and name.endswith(_AFTER))
    return {f"{timer.removesuffix(_AFTER)}.service" for timer in timers}


def is_scheduled(job: Job) -> bool:
    """Tell whether systemd has a timer for the job."""
    return os.path.lexists(job.timer_path) and get_kind(job.kind).has_schedule


def choose_unit(job: Job) -> str:
    """Return the unit whose start is the job's: where it has a schedule, that one."""
    return job.schedule_unit if is_scheduled(job) else job.unit
