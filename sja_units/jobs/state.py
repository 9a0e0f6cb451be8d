"""A job's state, worked out from what is true now. Pure; the words are the contract's."""

from typing import Literal, NamedTuple, get_args

from sja_units.systemd.unit import UnitRow

State = Literal[
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
]
STATES: tuple[State, ...] = get_args(State)


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


def decide_state(facts: Facts) -> State:
    """Return the state."""
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


def is_wrong(state: State) -> bool:
    """Return whether a person should look."""
    return state in ("degraded", "restarting", "down", "failed", "unconfigured")


def is_active(state: State) -> bool:
    """Return whether `sjactl status` counts it as running."""
    return state in ("running", "degraded")


def is_maintenance(target: UnitRow | None) -> bool:
    """Return whether sja-jobs.target was stopped, which took its jobs along on purpose.

    At boot its start is still to come.
    """
    if target is None:
        return True
    return target.active not in ("active", "activating") and target.job_type not in (
        "start",
        "restart",
    )
