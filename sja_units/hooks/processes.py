"""The processes of a unit as its control group lists them, whatever groups they made themselves."""

import os

_ROOT = "/sys/fs/cgroup"
_MAX_PASSES = 100


def find_own_group(unit: str) -> str:
    """Return the folder of the unit's control group, "" where this process is not in it."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as file:
            path = file.read().partition("::")[2].strip()
    except OSError:
        return ""
    is_own = unit in path.split("/")
    return f"{_ROOT}{path}" if is_own and os.path.exists(f"{_ROOT}{path}/cgroup.procs") else ""


def list_others(group: str) -> "set[int]":
    """Return the processes of a control group that have not ended, but for this one."""
    try:
        with open(f"{group}/cgroup.procs", encoding="ascii") as file:
            return {int(line) for line in file} - {os.getpid()}
    except OSError:
        return set()


def signal_others(group: str, number: int) -> None:
    """Send a signal once to each process of a control group but this one.

    What they start meanwhile gets it, too, as with systemd.
    """
    told: set[int] = set()
    for _ in range(_MAX_PASSES):
        fresh = list_others(group) - told
        if not fresh:
            return
        for pid in fresh:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue  # it has ended, or has become another user
        told |= fresh
