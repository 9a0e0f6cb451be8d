"""A job's state, worked out from what is true now. Pure; the words are the contract's."""

from typing import NamedTuple

STATES = (
    "running",
    "degraded",
    "starting",
    "stopping",
    "restarting",
    "down",
    "failed",
    "stopped",
    "completed",
    "unconfigured",
)


class UnitRow(NamedTuple):
    """What systemd tells of a unit in one listing; states are systemd's own words."""

    name: str
    load: str
    active: str
    sub: str
    job_type: str  # "" where no job is queued


class Facts(NamedTuple):
    """All that a job's state depends on."""

    configured: bool  # it has a file
    wanted: bool  # its last order was to start
    relaunch: bool  # its file wants it back after a boot
    unit: UnitRow | None  # None: systemd has forgotten it, so it does not run
    well: bool | None  # what a fresh health.json says; None: its worker does not report
    failing: bool  # its last tries failed, so the next one waits
    relaunching: bool = False  # sja-relaunch is about to start what is wanted
    scheduled: bool = False  # it runs by a calendar
    armed: bool = False  # its schedule goes on, so a run will come
    completed: bool = False  # its last run did its work, which is a command's alone


def decide_state(facts: Facts) -> str:
    """Return the state, one of STATES."""
    unit = facts.unit
    active = unit.active if unit else "inactive"
    if not facts.configured:
        return "unconfigured"
    if active in ("active", "reloading", "refreshing"):
        return "running" if facts.well else "degraded"
    if unit and active == "activating":
        return "restarting" if facts.failing or "auto-restart" in unit.sub else "starting"
    if unit and active == "deactivating":
        # Without an order the end of a crash is on its way to the next try.
        return "stopping" if unit.job_type in ("stop", "restart", "try-restart") else "restarting"
    if active == "failed":
        return "failed"
    if unit and unit.job_type in ("start", "restart"):
        return "restarting" if facts.failing else "starting"
    if facts.armed:
        return "completed" if facts.completed else "starting"
    if facts.completed and not facts.scheduled:
        return "completed"
    if not (facts.wanted and facts.relaunch):
        return "stopped"
    return "starting" if facts.relaunching else "down"


def is_wrong(state: str) -> bool:
    """Return whether a person should look."""
    return state in ("degraded", "restarting", "down", "failed", "unconfigured")


def is_active(state: str) -> bool:
    """Return whether `sjactl status` counts it as running."""
    return state in ("running", "degraded")
