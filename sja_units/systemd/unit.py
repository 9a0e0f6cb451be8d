"""systemd's units as its D-Bus interface names them. Source: org.freedesktop.systemd1(5)."""

import re
from typing import Any, Literal, NamedTuple

ROOT = "/org/freedesktop/systemd1"

Verb = Literal["start", "stop", "restart"]


class UnitRow(NamedTuple):
    """What systemd tells of a unit in one listing; states are systemd's own words."""

    name: str
    load: str
    active: str
    sub: str
    job_type: str  # "" where no job is queued
    job_path: str = "/"

    @property
    def is_at_rest(self) -> bool:
        """Whether it neither runs nor is about to."""
        return self.active in ("inactive", "failed") and not self.job_type


def make_row(fields: list[Any]) -> UnitRow:
    """Return a row of ListUnits and its like."""
    return UnitRow(fields[0], fields[2], fields[3], fields[4], fields[8], fields[9])


# The interface of each property that is asked for.
_INTERFACES = {
    "Unit": (
        *("ActiveState", "ActiveEnterTimestamp", "StateChangeTimestamp", "LoadState"),
        *("ConditionResult", "ConditionTimestamp", "Conditions"),
        *("InactiveExitTimestamp", "InactiveExitTimestampMonotonic"),
        *("ActiveEnterTimestampMonotonic", "InvocationID"),
    ),
    "Service": (
        *("MainPID", "NRestarts", "Result", "StatusText", "ExecMainCode", "ExecMainStatus"),
        *("ControlGroup", "CPUUsageNSec", "MemoryCurrent"),
    ),
    "Timer": ("NextElapseUSecRealtime",),
}
INTERFACES = {
    name: f"org.freedesktop.systemd1.{interface}"
    for interface, names in _INTERFACES.items()
    for name in names
}


def make_path(unit: str) -> str:
    """Return the path of a unit's object: sd_bus_path_encode(3)."""
    label = "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):02x}" for c in unit)
    return f"{ROOT}/unit/{label}"


def parse_path(path: str) -> str:
    """Return the unit of an object's path; `make_path` is the way back."""
    return re.sub("_([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), path.rpartition("/")[2])
