"""Ends a program with all that it has started, what has left for a session of its own included."""

import os
import signal
from contextlib import suppress

MARK = "SJA_RUN"
"""In the environment of a program and so of all that it starts: whose they are."""

_PASSES = 5  # what is killed may just have started another


def make_mark() -> str:
    """Return a value for MARK that no other program has."""
    return os.urandom(8).hex()


def kill_group(leader: int, mark: str = "") -> None:
    """Kill a process group, and all processes that have the mark in their environment."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    if mark:
        for _ in range(_PASSES):
            if not _kill_marked(f"{MARK}={mark}".encode(), leader):
                return


def _kill_marked(mark: bytes, leader: int) -> bool:
    """Kill the processes of that mark but the leader, whom somebody waits for; tell of any."""
    found = False
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == leader:
            continue
        with suppress(OSError):  # it ended meanwhile, or is another user's
            process = os.pidfd_open(int(name))
            try:
                if _is_marked(name, mark):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                    found = True
            finally:
                os.close(process)
    return found


def _is_marked(pid: str, mark: bytes) -> bool:
    with open(f"/proc/{pid}/environ", "rb") as file:
        return mark in file.read().split(b"\0")
