"""What a job's processes use of the machine, as the kernel counts it by control group."""

import os
from contextlib import suppress

_ROOT = "/sys/fs/cgroup"


def find_cgroup(pid: int) -> str:
    """Return a process's control group as systemd names it, "" where it has ended."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            return file.read().partition("::")[2].strip()
    except OSError:
        return ""


def read_cpu_seconds(cgroup: str) -> float | None:
    """Return the CPU time that a control group has used, None where that is not known."""
    with suppress(OSError, ValueError, IndexError), open(f"{_ROOT}{cgroup}/cpu.stat") as file:
        return int(file.readline().split()[1]) / 1e6  # usage_usec comes first
    return None


def read_memory(cgroup: str) -> int | None:
    """Return the bytes of memory that a control group holds, None where that is not known."""
    with suppress(OSError, ValueError), open(f"{_ROOT}{cgroup}/memory.current") as file:
        return int(file.read())
    return count_memory(cgroup)


def count_memory(cgroup: str) -> int | None:
    """Return the memory of a cgroup's processes, for hosts whose cgroups do not count it."""
    try:
        with open(f"{_ROOT}{cgroup}/cgroup.procs", encoding="ascii") as file:
            pids = [int(line) for line in file]
    except OSError:
        return None
    pages = 0
    for pid in pids:
        with suppress(OSError, IndexError), open(f"/proc/{pid}/statm", encoding="ascii") as file:
            pages += int(file.read().split()[1])  # the resident ones, proc(5)
    return pages * os.sysconf("SC_PAGE_SIZE") or None
