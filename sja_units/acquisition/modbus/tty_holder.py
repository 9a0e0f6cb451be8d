"""Which job holds a serial port: told by an abstract socket that bears the port and the job.

The lock itself is the kernel's; this only gives it a name, which nobody else could tell: jobs see
neither each other's processes nor each other's folders. The name goes with its process. Any
process may take such a name, so it is for messages alone. Source: unix(7), proc(5) net/unix.
"""

import os
import re
import socket

from sja_units.job import NAME

_UNKNOWN = "another program or job"
_PREFIX = "sja-units/serial"
_HELD = re.compile(rf"@{_PREFIX}/(\d+:\d+)/({NAME.pattern})$", re.MULTILINE)


def is_job() -> bool:
    """Tell whether systemd runs this process, with a folder under /run."""
    return "RUNTIME_DIRECTORY" in os.environ


def is_shut_out() -> bool:
    """Tell whether this process has a /dev of its own, where no real device is."""
    return is_job() and not os.path.lexists("/dev/console")


def claim(device: int) -> socket.socket | None:
    """Let others know that this job holds a device, until what is returned is closed."""
    if not is_job():
        return None
    job = os.path.basename(os.environ["RUNTIME_DIRECTORY"])
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        name.bind(f"\0{_PREFIX}/{_name(device)}/{job}")
    except OSError:
        name.close()  # somebody else has taken it
        return None
    return name


def find_holder(path: str) -> str:
    """Return the job that holds a serial port, as a person calls it."""
    try:
        device = _name(os.stat(path).st_rdev)
        with open("/proc/self/net/unix", encoding="utf-8", errors="replace") as file:
            holders = _HELD.findall(file.read())
    except OSError:
        return _UNKNOWN
    return next((f"acquisition/{job}" for held, job in holders if held == device), _UNKNOWN)


def _name(device: int) -> str:
    return f"{os.major(device)}:{os.minor(device)}"
